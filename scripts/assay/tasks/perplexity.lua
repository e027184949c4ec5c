-- Perplexity as the quantization papers measure it: one long text in windows that do not overlap.
-- exp(mean over windows of the window's mean cross-entropy); the tail is dropped.
local fail = require "assay.fail"
local items = require "assay.items"
local native = require "assay.native"

return {
   kind = "perplexity",
   summary = "how surprised the model is by a text",
   options = {
      dataset = { type = "table", required = true, about = "a dataset whose records have 'text'" },
      window = { type = "integer", default = 2048, min = 2, about = "tokens of a window" },
      limit = { type = "integer", default = 0, min = 0, about = "windows at most, 0 = all" },
   },
   metrics = { { name = "ppl", unit = "ppl", direction = "lower", kind = "mean" } },

   check = function(o)
      if type(o.dataset.text) ~= "function" then
         fail.usage("assay.task.perplexity: 'dataset' must be a dataset",
                    "assay.dataset.text { path = \"FILE\" }")
      end
   end,

   protocol = function(o)
      return { name = "gptq-" .. o.window, window = o.window,
               limit = o.limit > 0 and o.limit or native.json.null,
               template = native.json.null, special_tokens = true,
               dataset = items.dataset_key(o.dataset) }
   end,

   -- Forward passes over this many tokens, for the plan; nil if only a tokenizer can tell.
   tokens = function(o)
      local text_tokens = #o.dataset:text() / 4.2 -- bytes per token of English prose
      local windows = math.floor(text_tokens / o.window)
      if o.limit > 0 then windows = math.min(windows, o.limit) end
      return windows * o.window
   end,

   run = function(o, m)
      local r = m:perplexity(m:encode(o.dataset:text(), { special = true }), { window = o.window, limit = o.limit })
      local samples = {}
      for i, value in ipairs(r.windows) do
         samples[i] = { record = { nll_sum = value * (o.window - 1), tokens = o.window - 1 } }
      end
      local numbers, note = native.data.metric("perplexity", {}):evaluate({ task = "perplexity" }, samples)
      local result = items.result({}, { ppl = numbers.ppl }, {}, note)
      result.counts = { tokens = r.tokens, windows = #r.windows }
      result.series = { unit = "nats", per = "window", values = r.windows }
      return result
   end,
}
