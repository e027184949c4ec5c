-- Answers to free prompts, side by side: something to read, and what the failure catalogue is made from. No score but the
-- statistics of the texts.
-- The dataset's records are { id, category, prompt } and, where there is a right answer, answer.
local fail = require "assay.fail"
local items = require "assay.items"
local many = require "assay.many"
local prompting = require "assay.prompting"
local native = require "assay.native"

local function prompts_of(o)
   local prompts = {}
   for record in o.dataset:records() do
      if type(record.prompt) ~= "string" or not record.prompt:find "%S" then
         fail.usage(("assay.task.generations: record %d has no 'prompt'"):format(#prompts + 1),
                    "One JSON object per line: { \"id\": ..., \"category\": ..., \"prompt\": ... }")
      end
      prompts[#prompts + 1] = { id = record.id or "p" .. #prompts + 1, category = record.category or "chat",
                                stratum = record.category or "chat", prompt = record.prompt, answer = record.answer }
   end
   return items.select(prompts, o.items, o.seed)
end

-- Byte at which each token's text ends, so that a report can show where two answers part.
local function ends_of(m, ids)
   local ends, prefix = {}, {}
   for i, id in ipairs(ids) do
      prefix[i] = id
      ends[i] = #m:decode(prefix)
   end
   return ends
end

-- Lower case words between spaces; points and hyphens only inside them, as in 3.5.
local function plain(text)
   return ((" " .. text:lower():gsub("[^%w%.%-]+", " ") .. " "):gsub("[%.%-]+ ", " "):gsub(" [%.%-]+", " "))
end

-- Whether the right answer stands in the text as a word of its own; nil where there is none to find.
local function holds(text, answer)
   if answer == nil then return nil end
   return plain(text):find(" " .. plain(tostring(answer)):match "^%s*(.-)%s*$" .. " ", 1, true) ~= nil
end

local function mean(values)
   local sum = 0
   for _, value in ipairs(values or {}) do sum = sum + value / #values end
   return values and #values > 0 and sum or nil
end

return {
   kind = "generations",
   summary = "answers to free prompts, side by side",
   options = {
      dataset = { type = "table", required = true, about = "records { id, category, prompt, answer? }" },
      max_tokens = { type = "integer", default = 64, min = 1, about = "tokens of an answer" },
      items = { type = "integer", default = 0, min = 0, about = "prompts, balanced over categories; 0 = all" },
      seed = { type = "integer", default = 1, min = 0, about = "of the draw of prompts" },
      chat = { type = "boolean", default = true, about = "put the prompt through the chat template" },
      thinking = { type = "boolean", about = "passed to the template as enable_thinking" },
   },
   exploratory = true, -- statistics of texts, never a primary metric
   metrics = { { name = "repeated_4grams", unit = "fraction", direction = "lower", kind = "bounded" },
               { name = "truncated", unit = "fraction", direction = "lower", kind = "binary" } },
   holds = holds,

   check = function(o)
      if type(o.dataset.records) ~= "function" then
         fail.usage("assay.task.generations: 'dataset' must be a dataset")
      end
   end,

   protocol = function(o)
      return { name = o.chat and "greedy-chat" or "greedy", max_tokens = o.max_tokens, items = o.items, seed = o.seed,
               template = o.chat and "chat" or native.json.null,
               thinking = o.thinking == nil and native.json.null or o.thinking, decode = "greedy",
               dataset = items.dataset_key(o.dataset) }
   end,

   tokens = function(o) return #prompts_of(o) * o.max_tokens * 12 end, -- decoding is slower

   run = function(o, m)
      local outputs, prompts, texts = {}, prompts_of(o), {}
      for i, p in ipairs(prompts) do texts[i] = prompting.text(o, m, p.prompt) end
      local answers = many.generate(m, texts, { max_tokens = o.max_tokens, temperature = 0, logprobs = true })
      for i, p in ipairs(prompts) do
         local answer = answers[i]
         local confidence = mean(answer.logprobs)
         outputs[i] = { ends = ends_of(m, answer.ids), prompt_id = p.id, id = p.id, category = p.category,
                        prompt = p.prompt, text = answer.text, ids = native.json.list(answer.ids),
                        tokens = #answer.ids, finish = answer.finish, ok = holds(answer.text, p.answer),
                        mean_logprob = confidence and confidence == confidence and confidence or nil,
                        nonfinite = confidence and confidence ~= confidence and 1 or nil }
      end
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
