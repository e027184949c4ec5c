-- Perplexity as quantization papers measure it: one long text is cut into windows that do not overlap, and its end, which is shorter than
-- a window, is dropped. The number is exp(mean over windows of the window's mean cross-entropy in nats).
local fail = require "assay.lib.fail"
local items = require "assay.tasks.items"
local native = require "assay.native"
local windows = require "assay.tasks.kinds.text_windows"

return {
   kind = "perplexity",
   summary = "how surprised the model is by a text",
   options = windows.with {
      dataset = { type = "table", required = true, about = "a dataset whose records have 'text'" },
      window = { type = "integer", default = 2048, min = 2, about = "tokens of a window" },
   },
   metrics = { { name = "ppl", unit = "ppl", direction = "lower", kind = "mean" } },

   check = function(o)
      if type(o.dataset.text) ~= "function" then
         fail.usage("assay.task.perplexity: 'dataset' must be a dataset",
                    "assay.dataset.text { path = \"FILE\" }")
      end
   end,

   protocol = function(o)
      return windows.protocol(o, "gptq-" .. o.window, {
         window = o.window, template = native.json.null, special_tokens = true, dataset = items.dataset_key(o.dataset) })
   end,

   -- About how many tokens the model reads, for the plan.
   tokens = function(o) return windows.estimate(o, #o.dataset:text()) end,

   run = function(o, m)
      local ids, names = windows.cut(o, m:encode(o.dataset:text(), { start = true }))
      local r = m:perplexity(ids, { window = o.window })
      local samples = {}
      for i, value in ipairs(r.windows) do
         samples[i] = { record = { nll_sum = value * (o.window - 1), tokens = o.window - 1 } }
      end
      local numbers, note = native.data.metric("perplexity", {}):evaluate({ task = "perplexity" }, samples)
      local result = items.result(names, { ppl = numbers.ppl }, {}, note)
      result.counts = { tokens = r.tokens, windows = #r.windows }
      result.series = { unit = "nats", per = "window", values = r.windows }
      return result
   end,
}
