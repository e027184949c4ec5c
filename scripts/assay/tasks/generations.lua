-- Greedy answers to chat prompts, shown side by side. No number: something to read.
-- The dataset's records are { id, category, prompt }.
local fail = require "assay.fail"
local sys = require("assay.native").sys

local function prompts_of(o)
   local prompts = {}
   for record in o.dataset:records() do
      if type(record.prompt) ~= "string" then
         fail.usage("assay.task.generations: a record has no 'prompt'")
      end
      prompts[#prompts + 1] = { id = record.id or "p" .. #prompts + 1,
                                category = record.category or "chat", prompt = record.prompt }
      if o.limit > 0 and #prompts == o.limit then break end
   end
   return prompts
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

return {
   kind = "generations",
   summary = "greedy answers to chat prompts, side by side",
   options = {
      dataset = { type = "table", required = true, about = "records { id, category, prompt }" },
      max_tokens = { type = "integer", default = 64, min = 1, about = "tokens of an answer" },
      limit = { type = "integer", default = 0, min = 0, about = "prompts at most, 0 = all" },
   },
   metrics = {},

   check = function(o)
      if type(o.dataset.records) ~= "function" then
         fail.usage("assay.task.generations: 'dataset' must be a dataset")
      end
   end,

   protocol = function(o)
      return { name = "greedy-chat", max_tokens = o.max_tokens, limit = o.limit, template = "chat",
               dataset = o.dataset:identity().sha256 }
   end,

   tokens = function(o) return #prompts_of(o) * o.max_tokens * 12 end, -- decoding is slower

   run = function(o, m)
      local outputs, prompts = {}, prompts_of(o)
      for i, p in ipairs(prompts) do
         sys.part(i, #prompts)
         local text = m:chat({ { role = "user", content = p.prompt } }, { generate = true })
         local answer = m:generate(text, { max_tokens = o.max_tokens, temperature = 0 })
         outputs[i] = { ends = ends_of(m, answer.ids), prompt_id = p.id, category = p.category, prompt = p.prompt,
                        text = answer.text, ids = answer.ids, finish = answer.finish }
      end
      return { outputs = outputs }
   end,
}
