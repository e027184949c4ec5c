-- Detectors that look at one answer: F01 to F13, F16, F18, F19, F22. Each says which sign it saw and its value.
-- Not rates over a set, nor the comparison with the untouched model (compare.lua).

local native = require "assay.native"
local stats = native.stats

local sample = {}

local squad -- the metric that has the normal form of SQuAD's scorer

-- Whether nothing is left where case, punctuation, articles and white space do not count.
local function is_nothing(text)
   squad = squad or native.data.metric("exact_match", { normaliser = "squad" })
   local record = { prediction = text, golds = native.json.list { "" } }
   return squad:evaluate({ task = "detectors" }, { { record = record } }).exact_match.value == 1
end

local function off_script_share(letters, expected)
   local all, off = 0, 0
   for script, n in pairs(letters) do
      all = all + n
      if script ~= expected then off = off + n end
   end
   return all >= 20 and off / all or 0
end

-- A special token of a usual chat template that reached the text.
local LEAKS <const> = { "<|im_start|>", "<|im_end|>", "<|endoftext|>", "<|eot_id|>", "<s>", "</s>", "[INST]" }

local function leaks(text)
   for _, word in ipairs(LEAKS) do if text:find(word, 1, true) then return word end end
end

-- id, what the sign is, function(record, signals) -> value or nil. The value is what the report shows.
sample.detectors = {
   { "F01", "numbers that are not finite", function(r) return r.nonfinite and r.nonfinite > 0 and r.nonfinite
      or nil end },
   { "F02", "cut off at the token limit", function(r) return r.finish == "length" and "length" or nil end },
   { "F03", "empty", function(r) return not r.text:find("%S") and #r.text or nil end },
   { "F04", "nothing left after normalising", function(r)
      return not r.extracted and r.text:find("%S") and is_nothing(r.text) and r.text:sub(1, 20) or nil
   end },
   { "F05", "loop at the end", function(_, s) return s.period and s.period > 0 and s.period .. " × " .. s.repeats
      or nil end },
   { "F06", "repeated 4-grams", function(_, s)
      return s.ngram_repetition and s.tokens >= 32 and s.ngram_repetition > 0.5 and s.ngram_repetition or nil
   end },
   { "F07", "repetition rules", function(_, s) return #s.gopher >= 2 and table.concat(s.gopher, " ") or nil end },
   { "F08", "compresses like a loop", function(_, s) return s.compression_window > 4 and s.compression_window
      or nil end },
   { "F09", "the same sentence again and again", function(_, s) return s.segment_repeats >= 3 and s.segment_repeats
      or nil end },
   { "F10", "low confidence", function(r, _, base)
      local floor = base and base.mean_logprob_p1
      return r.mean_logprob and floor and r.mean_logprob < floor - 1 and r.mean_logprob or nil
   end },
   { "F11", "one token dominates", function(_, s)
      return s.tokens and s.tokens >= 32 and s.top_share > 0.5 and s.top_share or nil
   end },
   { "F12", "another script", function(r, s)
      local share = off_script_share(s.letters, r.script or "latin")
      return share > 0.10 and share or nil
   end },
   { "F13", "lost characters", function(_, s) return s.lost_characters > 0 and s.lost_characters or nil end },
   { "F16", "no answer in the asked form", function(r) return r.no_answer and "no answer" or nil end },
   { "F18", "stops at once", function(r, s, base)
      local tokens = s.tokens or r.tokens
      return tokens and (tokens <= 3 and r.finish ~= "length" and base and base.median_tokens
         and base.median_tokens > 15)
         and tokens or nil
   end },
   { "F19", "echo of the prompt or its markup", function(r, s)
      local echo = s.echo_bytes and #r.text >= 40 and s.echo_bytes / #r.text > 0.6 and "echo" or nil
      return echo or leaks(r.text)
   end },
   { "F22", "thinking without end", function(r)
      return r.text:find("<think>", 1, true) and not r.text:find("</think>", 1, true) and r.finish == "length"
         and "open" or nil
   end },
}

-- record: { text, ids | bytes, prompt, finish, mean_logprob, nonfinite, no_answer, script, tokens }; base: summary of the
-- reference's answers (compare.summary) or nil. Returns { F05 = value, ... } and the raw signals.
function sample.run(record, base)
   local options = {}
   if record.ids then options.ids = record.ids end
   if record.prompt then options.prompt = record.prompt end
   local signals = stats.text_signals(record.text, options)
   if not record.ids and record.bytes then -- loops alone: other shares of bytes mean nothing
      local of_bytes = stats.text_signals("", { ids = record.bytes })
      signals.period, signals.repeats = of_bytes.period, of_bytes.repeats
   end
   local flags = {}
   for _, detector in ipairs(sample.detectors) do
      local value = detector[3](record, signals, base)
      if value ~= nil then flags[detector[1]] = value end
   end
   return flags, signals
end

return sample
