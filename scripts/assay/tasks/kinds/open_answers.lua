-- Answers to free prompts: greedy ones (always the likeliest token), sampled ones that show whether a failure comes again, and the
-- divergence from the untouched model (open_answer_distance.lua).
local answer_distance = require "assay.tasks.kinds.open_answer_distance"
local facts_of = require "assay.tasks.kinds.open_answer_facts"
local fail = require "assay.lib.fail"
local items = require "assay.tasks.items"
local batch = require "assay.tasks.batch"
local native = require "assay.native"
local prompting = require "assay.tasks.prompts"

local open_answers = {}

-- The options with which a prompt is asked again: usual sampling for small models without a thinking mode.
open_answers.sampling = { temperature = 0.7, top_k = 20, top_p = 0.8 }

-- The text in lower case with one space before and after each word. Points and hyphens stay only inside words, as in "3.5".
local function plain(text)
   return ((" " .. text:lower():gsub("[^%w%.%-]+", " ") .. " "):gsub("[%.%-]+ ", " "):gsub(" [%.%-]+", " "))
end

-- Whether the text contains the right answer as a word of its own; nil if the prompt has no right answer.
function open_answers.holds(text, answer)
   if answer == nil then return nil end
   return plain(text):find(" " .. plain(tostring(answer)):match "^%s*(.-)%s*$" .. " ", 1, true) ~= nil
end

-- The prompts of the dataset: all of them, or o.items of them in equal shares over the categories.
function open_answers.prompts(o)
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

-- One output for each prompt with its greedy answer. texts[i]: prompts[i] as the model reads it, with the chat template.
local function greedy(o, m, prompts, texts)
   local outputs = {}
   local answers = batch.generate(m, texts, { max_tokens = o.max_tokens, temperature = 0, logprobs = true })
   for i, p in ipairs(prompts) do
      local output = facts_of(m, answers[i])
      output.prompt_id, output.id, output.category, output.prompt = p.id, p.id, p.category, p.prompt
      output.prompt_hash, output.text = native.fs.sha256(texts[i]):sub(1, 16), answers[i].text
      output.doc_hash, output.target_hash = items.hashes(p)
      output.ok = open_answers.holds(output.text, p.answer)
      if output.ok ~= nil then output.score = output.ok and 1 or 0 end
      outputs[i] = output
   end
   return outputs
end

-- Sets `draws` of each output: o.recurrence sampled answers, each with its own seed.
local function draw_again(o, m, prompts, texts, outputs)
   local asked, seeds, sampling = {}, {}, open_answers.sampling
   for i, p in ipairs(prompts) do
      for k = 1, o.recurrence do
         asked[#asked + 1] = texts[i]
         seeds[#seeds + 1] = native.sys.seed(o.seed, "recurrence", tostring(p.id), "draw " .. k) & 0x7fffffff
      end
   end
   local answers = batch.generate(m, asked, { max_tokens = o.max_tokens, temperature = sampling.temperature,
                                             top_k = sampling.top_k, top_p = sampling.top_p, seeds = seeds })
   for i, p in ipairs(prompts) do
      local draws = native.json.list {}
      for k = 1, o.recurrence do
         local answer = answers[(i - 1) * o.recurrence + k]
         draws[k] = { text = answer.text, ids = native.json.list(answer.ids), tokens = #answer.ids, finish = answer.finish,
                      ok = open_answers.holds(answer.text, p.answer) }
      end
      outputs[i].draws = draws
   end
end

-- prompts: { { id, category, prompt, answer? }, ... }; place: see tasks/README.md. Returns one output for each prompt.
function open_answers.run(o, m, prompts, place)
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

return open_answers
