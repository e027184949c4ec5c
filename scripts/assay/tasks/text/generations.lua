-- Answers to free prompts, which the report shows side by side and the failure catalogue uses. Their only scores are statistics of the
-- texts (repetition, answers cut off). Records of the dataset are { id, category, prompt, answer? }.
local fail = require "assay.lib.fail"
local first_token = require "assay.lib.first_token"
local open_answers = require "assay.tasks.kinds.open_answers"
local items = require "assay.tasks.items"
local native = require "assay.native"

return {
   kind = "generations",
   summary = "answers to free prompts, side by side",
   options = {
      dataset = { type = "table", required = true, about = "records { id, category, prompt, answer? }" },
      max_tokens = { type = "integer", default = 64, min = 1, about = "tokens of an answer" },
      items = { type = "integer", default = 0, min = 0, about = "number of prompts, balanced over categories; 0 = all" },
      seed = { type = "integer", default = 1, min = 0, about = "seed of the draw of prompts" },
      chat = { type = "boolean", default = true, about = "put the prompt through the chat template" },
      thinking = { type = "boolean", about = "passed to the template as enable_thinking" },
      recurrence = { type = "integer", default = 0, min = 0, about = "sampled answers to each prompt; do failures come again?" },
   },
   exploratory = true, -- statistics of texts are never a primary metric
   metrics = { { name = "repeated_4grams", unit = "fraction", direction = "lower", kind = "bounded" },
               { name = "truncated", unit = "fraction", direction = "lower", kind = "binary" } },
   holds = open_answers.holds,

   check = function(o)
      if type(o.dataset.records) ~= "function" then
         fail.usage("assay.task.generations: 'dataset' must be a dataset")
      end
   end,

   protocol = function(o)
      return { name = o.chat and "greedy-chat" or "greedy", max_tokens = o.max_tokens, items = o.items, seed = o.seed,
               template = o.chat and "chat" or native.json.null,
               thinking = o.thinking == nil and native.json.null or o.thinking, decode = "greedy",
               first_token = first_token,
               again = o.recurrence > 0 and { k = o.recurrence, sampling = open_answers.sampling } or nil,
               dataset = items.dataset_key(o.dataset) }
   end,

   tokens = function(o) return #open_answers.prompts(o) * o.max_tokens * (12 + 8 * o.recurrence) end, -- a generated token takes longer

   run = function(o, m, _, place)
      local outputs = open_answers.run(o, m, open_answers.prompts(o), place)
      local ids, samples = {}, {}
      for i, output in ipairs(outputs) do
         ids[i] = output.id
         samples[i] = { record = { text = output.text, tokens = output.tokens, finish = output.finish } }
      end
      local numbers, note = native.data.metric("text_statistics", {}):evaluate({ task = "generations" }, samples)
      local result = items.result(ids, numbers, {}, note)
      result.outputs = outputs
      return result
   end,
}
