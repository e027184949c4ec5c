-- Perplexity by the rule of llama.cpp's tool: the text is cut into chunks of 512 tokens, and only the second half of each is scored. If
-- the tokenizer adds a beginning-of-text token, that token replaces the first one of each chunk. Such numbers can be compared only with
-- llama.cpp's own, which are common for GGUF files.
local items = require "assay.tasks.items"
local native = require "assay.native"
local windows = require "assay.tasks.kinds.text_windows"

-- The text of the original file. In the dataset's rows blank lines are empty texts; the file has " \n" there.
local function raw_text(dataset)
   local parts = {}
   for record in dataset:records() do parts[#parts + 1] = record.text == "" and " \n" or record.text end
   return table.concat(parts)
end

return {
   kind = "perplexity",
   summary = "perplexity by llama.cpp's rule (second halves of 512 tokens)",
   options = windows.with {
      dataset = { type = "table", required = true, about = "a dataset whose records have 'text': the raw file" },
      window = { type = "integer", default = 512, min = 4, about = "tokens of a chunk" },
   },
   metrics = { { name = "ppl", unit = "ppl", direction = "lower", kind = "mean" } },

   protocol = function(o)
      return windows.protocol(o, "llama.cpp-" .. o.window, {
         window = o.window, scored = "positions window/2 to window-2", first_token = "beginning of text where added",
         template = native.json.null, dataset = items.dataset_key(o.dataset) })
   end,

   tokens = function(o) return windows.estimate(o, #raw_text(o.dataset)) end,

   run = function(o, m)
      local ids, names = windows.cut(o, m:encode(raw_text(o.dataset)))
      local first = windows.first_token(m)
      if first then windows.begin_each(ids, o.window, first) end
      local r = m:perplexity(ids, { window = o.window, token_nll = true })
      local samples, half, per = {}, o.window // 2, o.window - 1
      local means = {}
      for w = 0, #r.windows - 1 do
         local sum, n = 0, 0
         for i = half + 1, per do sum, n = sum + r.token_nll[w * per + i], n + 1 end
         samples[w + 1], means[w + 1] = { record = { nll_sum = sum, tokens = n } }, sum / n
      end
      local numbers, note = native.data.metric("perplexity", {}):evaluate({ task = "llama.cpp" }, samples)
      local result = items.result(names, { ppl = numbers.ppl }, {}, note)
      result.counts = { tokens = note.tokens, windows = #means }
      result.series = { unit = "nats", per = "window", values = means }
      return result
   end,
}
