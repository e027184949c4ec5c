-- Answers to free prompts: greedy ones, sampled ones that show whether a failure comes again, and how far the model lies from
-- the untouched one along the untouched one's answers. Not which prompts (tasks/generations.lua) and no catalogue (failures.lua).
local answer_distance = require "assay.tasks.kinds.open_answer_distance"
local facts_of = require "assay.tasks.kinds.open_answer_facts"
local fail = require "assay.lib.fail"
local items = require "assay.tasks.items"
local many = require "assay.tasks.batch"
local native = require "assay.native"
local prompting = require "assay.tasks.prompts"

local free_answers = {}

-- How a prompt is asked again: what small models without a thinking mode are usually sampled with.
free_answers.sampling = { temperature = 0.7, top_k = 20, top_p = 0.8 }

-- Lower case words between spaces; points and hyphens only inside them, as in 3.5.
local function plain(text)
   return ((" " .. text:lower():gsub("[^%w%.%-]+", " ") .. " "):gsub("[%.%-]+ ", " "):gsub(" [%.%-]+", " "))
end

-- Whether the right answer stands in the text as a word of its own; nil where there is none to find.
function free_answers.holds(text, answer)
   if answer == nil then return nil end
   return plain(text):find(" " .. plain(tostring(answer)):match "^%s*(.-)%s*$" .. " ", 1, true) ~= nil
end

-- The prompts of the task's dataset, or as many of them as asked for, in equal shares over the categories.
function free_answers.prompts(o)
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

local function greedy(o, m, prompts, texts)
   local outputs = {}
   local answers = many.generate(m, texts, { max_tokens = o.max_tokens, temperature = 0, logprobs = true })
   for i, p in ipairs(prompts) do
      local output = facts_of(m, answers[i])
      output.prompt_id, output.id, output.category, output.prompt = p.id, p.id, p.category, p.prompt
      output.prompt_hash, output.text = native.fs.sha256(texts[i]):sub(1, 16), answers[i].text
      output.doc_hash, output.target_hash = items.hashes(p)
      output.ok = free_answers.holds(output.text, p.answer)
      if output.ok ~= nil then output.score = output.ok and 1 or 0 end
      outputs[i] = output
   end
   return outputs
end

-- Sets `draws` of each output: `recurrence` sampled answers, each from a seed of its own.
local function draw_again(o, m, prompts, texts, outputs)
   local asked, seeds, sampling = {}, {}, free_answers.sampling
   for i, p in ipairs(prompts) do
      for k = 1, o.recurrence do
         asked[#asked + 1] = texts[i]
         seeds[#seeds + 1] = native.sys.seed(o.seed, "recurrence", tostring(p.id), "draw " .. k) & 0x7fffffff
      end
   end
   local answers = many.generate(m, asked, { max_tokens = o.max_tokens, temperature = sampling.temperature,
                                             top_k = sampling.top_k, top_p = sampling.top_p, seeds = seeds })
   for i, p in ipairs(prompts) do
      local draws = native.json.list {}
      for k = 1, o.recurrence do
         local answer = answers[(i - 1) * o.recurrence + k]
         draws[k] = { text = answer.text, ids = native.json.list(answer.ids), tokens = #answer.ids, finish = answer.finish,
                      ok = free_answers.holds(answer.text, p.answer) }
      end
      outputs[i].draws = draws
   end
end

-- prompts: { { id, category, prompt, answer? }, ... }; place as in variant.lua, or nil outside a study. One output per prompt.
function free_answers.run(o, m, prompts, place)
   local texts = {}
   for i, p in ipairs(prompts) do texts[i] = prompting.text(o, m, p.prompt) end
   local outputs = greedy(o, m, prompts, texts)
   if o.recurrence > 0 then draw_again(o, m, prompts, texts, outputs) end
   if place and place.none then
      answer_distance.keep(m, place.folder .. "/states", texts, outputs)
   elseif place then
      local reference, folder = place.reference()
      answer_distance.measure(m, reference, folder .. "/states", outputs)
   end
   return outputs
end

return free_answers
