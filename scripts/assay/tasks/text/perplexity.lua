-- Perplexity as quantization papers measure it: one long text is cut into windows that do not overlap, and its end, which is shorter than
-- a window, is dropped. The number is exp(mean over windows of the window's mean cross-entropy in nats). Some models were trained only on
-- texts that begin with the tokenizer's first token (Gemma's <bos>), and a window without it measures little. For them
-- first_token = "each" puts this token in the place of the first token of every window, as llama.cpp does.
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
      first_token = { type = "string", default = "once", one_of = { "once", "each" },
                      about = "the tokenizer's first token: once before the text, or in every window" },
   },
   metrics = { { name = "ppl", unit = "ppl", direction = "lower", kind = "mean" } },

   check = function(o)
      if type(o.dataset.text) ~= "function" then
         fail.usage("assay.task.perplexity: 'dataset' must be a dataset",
                    "assay.dataset.text { path = \"FILE\" }")
      end
   end,

   protocol = function(o)
      local each = o.first_token == "each"
      return windows.protocol(o, (each and "gptq-begun-" or "gptq-") .. o.window, {
         window = o.window, first_token = each and "each window" or nil, template = native.json.null, special_tokens = true, dataset = items.dataset_key(o.dataset) })
   end,

   -- About how many tokens the model reads, for the plan.
   tokens = function(o) return windows.estimate(o, #o.dataset:text()) end,

   run = function(o, m)
      local ids, names = windows.cut(o, m:encode(o.dataset:text(), { start = true }))
      if o.first_token == "each" then
         local token = windows.first_token(m)
         if not token then
            fail.usage("assay.task.perplexity: the tokenizer adds no first token to a text", "Leave out first_token = \"each\"")
         end
         windows.begin_each(ids, o.window, token)
      end
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
