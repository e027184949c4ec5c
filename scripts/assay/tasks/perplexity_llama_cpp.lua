-- Perplexity as llama.cpp's tool measures it: chunks of 512 tokens, the first replaced by the beginning-of-text token where
-- the tokenizer adds one, the second half scored. Comparable with the tables of GGUF files, with nothing else.
local items = require "assay.items"
local native = require "assay.native"

-- Token ids of the raw text, and the token that the tokenizer puts first, if any.
local function tokens_of(m, text)
   local plain, marked = m:encode(text), m:encode("a", { special = true })
   local bare = m:encode "a"
   return plain, #marked > #bare and marked[1] ~= bare[1] and marked[1] or nil
end

-- Lines of a table whose blank ones lost their space and newline, joined to the raw file again.
local function raw_text(dataset)
   local parts = {}
   for record in dataset:records() do parts[#parts + 1] = record.text == "" and " \n" or record.text end
   return table.concat(parts)
end

return {
   kind = "perplexity",
   summary = "perplexity by llama.cpp's rule (second halves of 512 tokens)",
   options = {
      dataset = { type = "table", required = true, about = "a dataset whose records have 'text': the raw file" },
      window = { type = "integer", default = 512, min = 4, about = "tokens of a chunk" },
      limit = { type = "integer", default = 0, min = 0, about = "chunks at most, 0 = all" },
   },
   metrics = { { name = "ppl", unit = "ppl", direction = "lower", kind = "mean" } },

   protocol = function(o)
      return { name = "llama.cpp-" .. o.window, window = o.window, scored = "positions window/2 to window-2",
               limit = o.limit > 0 and o.limit or native.json.null, first_token = "beginning of text where added",
               template = native.json.null, dataset = items.dataset_key(o.dataset) }
   end,

   tokens = function(o)
      local windows = math.floor(#raw_text(o.dataset) / 4.2 / o.window)
      return (o.limit > 0 and math.min(windows, o.limit) or windows) * o.window
   end,

   run = function(o, m)
      local ids, first = tokens_of(m, raw_text(o.dataset))
      for place = 1, first and #ids - o.window + 1 or 0, o.window do ids[place] = first end
      local r = m:perplexity(ids, { window = o.window, limit = o.limit, token_nll = true })
      local samples, half, per = {}, o.window // 2, o.window - 1
      local windows = {}
      for w = 0, #r.windows - 1 do
         local sum, n = 0, 0
         for i = half + 1, per do sum, n = sum + r.token_nll[w * per + i], n + 1 end
         samples[w + 1], windows[w + 1] = { record = { nll_sum = sum, tokens = n } }, sum / n
      end
      local numbers, note = native.data.metric("perplexity", {}):evaluate({ task = "llama.cpp" }, samples)
      local result = items.result({}, { ppl = numbers.ppl }, {}, note)
      result.counts = { tokens = note.tokens, windows = #windows }
      result.series = { unit = "nats", per = "window", values = windows }
      return result
   end,
}
