-- Tasks in which the model writes an answer that is then graded. A task file says how a record becomes a prompt and
-- which grader (a metric plugin) reads it. Always stored: the text (cut at a stop text), its length, and why it ended.

local facts_of = require "assay.tasks.kinds.open_answer_facts"
local items = require "assay.tasks.items"
local batch = require "assay.tasks.batch"
local native = require "assay.native"
local prompting = require "assay.tasks.prompts"

local graded_answers = {}

-- The prompt without a chat template: the solved examples (shots), then the question.
local function plain_prompt(shots, question)
   local parts = {}
   for _, shot in ipairs(shots) do parts[#parts + 1] = shot.prompt .. shot.target end
   return (#parts > 0 and table.concat(parts, "\n\n") .. "\n\n" or "") .. question.prompt
end

-- The text before the first stop text. The engine ends after a whole token, so its text may contain the stop text and more.
local function before_stops(text, stops)
   for _, stop in ipairs(stops) do
      local place = text:find(stop, 1, true)
      if place then text = text:sub(1, place - 1) end
   end
   return text
end

-- The text after </think>; the whole text if the model wrote no thinking part.
local function after_thinking(text)
   local _, stop = text:find("</think>", 1, true)
   return stop and text:sub(stop + 1):gsub("^%s+", "") or text
end

-- One output as results store it: the question's prompt, the answer's text, and the facts of open_answer_facts.lua.
local function output_of(m, question, prompt, answer, stops)
   local output = facts_of(m, answer)
   output.id, output.prompt, output.prompt_hash = question.id, question.prompt, native.fs.sha256(prompt):sub(1, 16)
   output.text = before_stops(answer.text, stops)
   return output
end

-- Generates all answers in one batch. Each answer is the same as if it were generated alone, since each has its own seed.
local function generate_all(o, m, definition, questions, shots)
   local prompts, seeds, outputs = {}, {}, {}
   for i, question in ipairs(questions) do
      prompts[i] = prompting.text(o, m, plain_prompt(shots, question), question.prefix)
      seeds[i] = native.sys.seed(o.seed, "generate", question.id, "draw") & 0x7fffffff
   end
   local answers = batch.generate(m, prompts, { max_tokens = o.max_tokens, temperature = o.temperature or 0, top_k = o.top_k,
      top_p = o.top_p, seeds = seeds, stop = definition.stops, logprobs = true })
   for i, question in ipairs(questions) do
      outputs[i] = output_of(m, question, prompts[i], answers[i], definition.stops)
      outputs[i].category, outputs[i].cluster = question.category, question.cluster
      outputs[i].doc_hash, outputs[i].target_hash = items.hashes(question)
   end
   return outputs
end

-- Returns the questions whose right answer the grader for mathematics can read (all questions for other graders). Every answer to an
-- unreadable one would count as wrong, so such questions are excluded for every variant, and their ids are added to `skipped`.
local function gradable(definition, questions, skipped)
   local grader = definition.graders[1]
   if grader.id ~= "math" then return questions end
   local samples, out = {}, {}
   for i, question in ipairs(questions) do samples[i] = { record = { prediction = "", gold = question.gold_text } } end
   local given = native.data.metric(grader.id, grader.config):evaluate({ task = definition.protocol }, samples)
   for i, question in ipairs(questions) do
      if given.unreadable_gold.scores[i] == 0 then out[#out + 1] = question
      else skipped[#skipped + 1] = tostring(question.id) end
   end
   if #out == 0 then
      require("assay.lib.fail").work("no right answer of these questions can be read by the grader")
   end
   return out
end

-- Makes the definition of a task (README.md). definition: { protocol = name, summary, stops, max_tokens, metrics, baselines,
-- read = function(record), returns a question { id, prompt, target, ... } or nil,
-- graders = { { id = metric plugin, config, take = { its name of a metric = ours }, record = function(question, text) } } }; optional:
-- grading (says in words how answers are graded; with other words the protocol gets another id),
-- keep = function(question) (whether it is for evaluation), distinct (each text only once),
-- extract = function(text) (the short answer in a text), derive = function(questions, metrics).
function graded_answers.task(definition)
   local task = {
      kind = "generation",
      summary = definition.summary,
      default_margin = 3, -- percentage points
      options = prompting.with(definition.set, {
         max_tokens = { type = "integer", default = definition.max_tokens, min = 1, about = "tokens of an answer" },
         temperature = { type = "number", default = 0, min = 0, about = "0 = always the likeliest token (greedy)" },
         top_k = { type = "integer", default = 0, min = 0, about = "sample only from the k likeliest tokens; 0 = all" },
         top_p = { type = "number", default = 1, min = 0, max = 1, about = "sample from the likeliest tokens with this total probability" },
      }),
      metrics = definition.metrics,
      abstentions = definition.abstentions,
      short_answers = definition.short_answers,
      read = definition.read,
      set = definition.set,
      check = function(o) prompting.check(o, "assay.task." .. definition.protocol) end,
      protocol = function(o)
         local protocol = prompting.protocol(o)
         protocol.name, protocol.max_tokens, protocol.stops = definition.protocol, o.max_tokens,
            native.json.list(definition.stops)
         protocol.abstentions, protocol.grading = definition.abstentions, definition.grading
         protocol.decode = o.temperature == 0 and "greedy"
            or ("temperature %g, top_k %d, top_p %g, a seed per item"):format(o.temperature, o.top_k, o.top_p)
         return protocol
      end,
      tokens = function(o)
         local n = o.items > 0 and o.items or o.dataset:info().records or 1000
         return n * o.max_tokens * 12 -- a generated token takes about as long as 12 tokens of a prompt
      end,
   }
   function task.run(o, m)
      local questions, shots, skipped = prompting.draw(o, definition)
      questions = gradable(definition, questions, skipped)
      local overlong
      questions, overlong = prompting.fitting(m, questions, function(question)
         return prompting.text(o, m, plain_prompt(shots, question), question.prefix), o.max_tokens
      end)
      local outputs = generate_all(o, m, definition, questions, shots)
      return prompting.note(graded_answers.graded(definition, questions, outputs), skipped, overlong)
   end
   return task
end

-- Returns a function of the questions. This function lists two scores that need no model: that of giving no answer, and that of always
-- giving the commonest right answer.
function graded_answers.constant_baselines(metric)
   return function(questions)
      local counts, most = {}, 0
      for _, question in ipairs(questions) do
         counts[question.gold_text] = (counts[question.gold_text] or 0) + 1
         most = math.max(most, counts[question.gold_text])
      end
      return { { name = "no answer", metric = metric, value = 0 },
         { name = "always the commonest answer", metric = metric, value = most / #questions } }
   end
end

-- Grades outputs and returns the result of the task. It needs no model, so that stored outputs can be graded again.
function graded_answers.graded(definition, questions, outputs)
   local ids, metrics, notes = {}, {}, native.json.object()
   for i, question in ipairs(questions) do
      ids[i] = question.id
      outputs[i].gold = definition.gold and definition.gold(question) or question.gold_text
      outputs[i].stratum = question.stratum
   end
   for _, grader in ipairs(definition.graders) do
      local samples = {}
      for i, question in ipairs(questions) do
         samples[i] = { record = grader.record(question, after_thinking(outputs[i].text)) }
      end
      local given, note = native.data.metric(grader.id, grader.config):evaluate({ task = definition.protocol }, samples)
      for from, to in pairs(grader.take) do metrics[to] = given[from] end
      if given.tier then
         for i, tier in ipairs(given.tier.scores) do outputs[i].grader_tier = outputs[i].grader_tier or math.tointeger(tier) end
      end
      if note and next(note) then notes[grader.id] = note end
   end
   if definition.derive then definition.derive(questions, metrics) end
   if definition.extract and not metrics.no_answer then
      local scores, sum = {}, 0
      for i, output in ipairs(outputs) do
         scores[i] = definition.extract(after_thinking(output.text)) and 0 or 1
         sum = sum + scores[i]
      end
      metrics.no_answer = { value = sum / #scores, unit = "fraction", direction = "lower", kind = "binary", scores = scores }
   end
   local baselines = definition.baselines and definition.baselines(questions) or {}
   local result = items.result(ids, metrics, baselines, notes)
   local main = definition.metrics[1] and metrics[definition.metrics[1].name]
   for i, output in ipairs(outputs) do
      if main then output.score = main.scores[i] end
      if main and main.kind == "binary" then output.ok = main.scores[i] == 1 end
      local silent = metrics.no_answer and metrics.no_answer.scores[i] == 1
      if silent then output.no_answer = true end
      if definition.extract then output.extracted = definition.extract(after_thinking(output.text)) end
   end
   result.outputs, result.clusters = outputs, items.clusters(questions)
   return result
end

return graded_answers
