-- Looks for signs of broken output in one answer: F01 to F13, F16, F18, F19 and F22.
-- compare.lua looks at a whole set of answers and compares it with the untouched model's set.

local native = require "assay.native"
local stats = native.stats

local sample = {}

-- Tokens that an answer needs before shares of its tokens and 4-grams (runs of four tokens) mean anything. A list of three names
-- has too few.
local FEWEST_TOKENS <const> = 32
-- Share of 4-grams that repeat an earlier one (seq-rep-4 of Welleck et al. 2019, arXiv 1908.04319). Above a half, the answer
-- is more repetition than new text.
local NGRAM_REPETITION <const> = 0.5
-- Number of rules on repetition (Rae et al. 2021, arXiv 2112.11446, table A1) that a text breaks. Ordinary lists break one.
local BROKEN_RULES <const> = 2
-- Bytes of a piece of 512 bytes divided by its compressed bytes. Whisper (Radford et al. 2022, arXiv 2212.04356, section 4.5)
-- rejects short segments above 2.4. Longer ordinary text reaches 2.4 too, so the limit here is higher.
local COMPRESSION <const> = 4
local SENTENCE_REPEATS <const> = 3 -- times; an ordinary text may have a refrain or a heading twice
-- How far the mean log-probability of an answer may lie below the first percentile of the untouched model's answers, in nats per
-- token. A fixed limit (Whisper: -1.0) would fit only one model.
local CONFIDENCE_DROP <const> = 1
-- Share of the most frequent token. Above a half it occurs more often than all other tokens together.
local TOP_SHARE <const> = 0.5
-- Share of letters of another script (Latin, Greek, ...) than the expected one, and the number of letters from which on this share is
-- computed. Names and formulas have a few such letters. Marchisio et al. 2024 (arXiv 2406.20052) instead count lines and words that are
-- in a wrong language.
local OFF_SCRIPT <const>, FEWEST_LETTERS <const> = 0.10, 20
-- An answer of at most 3 tokens stops at once, if the untouched model's answers have a median of more than 15 tokens.
local STOPS_AT_ONCE <const>, LONG_ANSWER <const> = 3, 15
-- Share of an answer that is one piece of its prompt. An answer of fewer than 40 bytes may rightly be a quotation.
local ECHO_SHARE <const>, FEWEST_BYTES <const> = 0.6, 40

local squad -- the metric exact_match with SQuAD's normal form, loaded when first needed

-- Whether a text is empty in SQuAD's normal form, which has no case, punctuation, articles or outer white space.
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
   return all >= FEWEST_LETTERS and off / all or 0
end

-- Special tokens of common chat templates. They must not appear in an answer's text.
local LEAKS <const> = { "<|im_start|>", "<|im_end|>", "<|endoftext|>", "<|eot_id|>", "<s>", "</s>", "[INST]" }

local function leaks(text)
   for _, word in ipairs(LEAKS) do if text:find(word, 1, true) then return word end end
end

-- Each detector has an id for reports, a name, a title for readers, and a function find(record, signals, base). It returns the value
-- that a report shows, or nil if the sign is absent. signals: what stats.text_signals counted (host/signals).
sample.detectors = {
   { id = "F01", name = "not_finite", title = "numbers that are not finite",
     find = function(r) return r.nonfinite and r.nonfinite > 0 and r.nonfinite or nil end },
   { id = "F02", name = "cut_at_limit", title = "cut off at the token limit",
     find = function(r) return r.finish == "length" and "length" or nil end },
   { id = "F03", name = "empty", title = "empty", find = function(r) return not r.text:find("%S") and #r.text or nil end },
   { id = "F04", name = "empty_after_normalising", title = "nothing left after normalising",
     find = function(r)
        return not r.extracted and r.text:find("%S") and is_nothing(r.text) and r.text:sub(1, 20) or nil
     end },
   { id = "F05", name = "loop_at_end", title = "loop at the end", -- how many repeats make a loop: host/signals/repetition.hpp
     find = function(_, s) return s.period and s.period > 0 and s.period .. " × " .. s.repeats or nil end },
   { id = "F06", name = "repeated_ngrams", title = "repeated 4-grams",
     find = function(_, s)
        return s.ngram_repetition and s.tokens >= FEWEST_TOKENS and s.ngram_repetition > NGRAM_REPETITION and s.ngram_repetition
               or nil
     end },
   { id = "F07", name = "repetition_rules", title = "repetition rules",
     find = function(_, s) return #s.gopher >= BROKEN_RULES and table.concat(s.gopher, " ") or nil end },
   { id = "F08", name = "compressible", title = "compresses like a loop",
     find = function(_, s) return s.compression_window > COMPRESSION and s.compression_window or nil end },
   { id = "F09", name = "repeated_sentence", title = "the same sentence again and again",
     find = function(_, s) return s.segment_repeats >= SENTENCE_REPEATS and s.segment_repeats or nil end },
   { id = "F10", name = "low_confidence", title = "low confidence",
     find = function(r, _, base)
        local floor = base and base.mean_logprob_p1
        return r.mean_logprob and floor and r.mean_logprob < floor - CONFIDENCE_DROP and r.mean_logprob or nil
     end },
   { id = "F11", name = "dominant_token", title = "one token dominates",
     find = function(_, s) return s.tokens and s.tokens >= FEWEST_TOKENS and s.top_share > TOP_SHARE and s.top_share or nil end },
   { id = "F12", name = "other_script", title = "another script",
     find = function(r, s)
        local share = off_script_share(s.letters, r.script or "latin")
        return share > OFF_SCRIPT and share or nil
     end },
   { id = "F13", name = "lost_characters", title = "lost characters",
     find = function(_, s) return s.lost_characters > 0 and s.lost_characters or nil end },
   { id = "F16", name = "no_asked_form", title = "no answer in the asked form",
     find = function(r) return r.no_answer and "no answer" or nil end },
   { id = "F18", name = "early_stop", title = "stops at once",
     find = function(r, s, base)
        local tokens = s.tokens or r.tokens
        local long = base and base.median_tokens and base.median_tokens > LONG_ANSWER
        return tokens and tokens <= STOPS_AT_ONCE and r.finish ~= "length" and long and tokens or nil
     end },
   { id = "F19", name = "echo", title = "echo of the prompt or its markup",
     find = function(r, s)
        local echo = s.echo_bytes and #r.text >= FEWEST_BYTES and s.echo_bytes / #r.text > ECHO_SHARE and "echo" or nil
        return echo or leaks(r.text)
     end },
   { id = "F22", name = "endless_thinking", title = "thinking without end",
     find = function(r)
        local open = r.text:find("<think>", 1, true) and not r.text:find("</think>", 1, true)
        return open and r.finish == "length" and "open" or nil
     end },
}

-- Applies all detectors to one answer. record: { text, ids | bytes, prompt, finish, mean_logprob, nonfinite, no_answer, extracted,
-- script, tokens }, all but text optional; base: the summary of the untouched model's answers (compare.summary) or nil. Returns
-- { F05 = value, ... } for the signs found, and the raw signals.
function sample.run(record, base)
   local options = {}
   if record.ids then options.ids = record.ids end
   if record.prompt then options.prompt = record.prompt end
   local signals = stats.text_signals(record.text, options)
   if not record.ids and record.bytes then -- bytes in place of tokens show loops; shares of bytes would mean nothing
      local of_bytes = stats.text_signals("", { ids = record.bytes })
      signals.period, signals.repeats = of_bytes.period, of_bytes.repeats
   end
   local flags = {}
   for _, detector in ipairs(sample.detectors) do
      local value = detector.find(record, signals, base)
      if value ~= nil then flags[detector.id] = value end
   end
   return flags, signals
end

return sample
