-- Multiple choice by log-likelihood: the answer is the choice that the model finds likeliest after the question. A task file says how
-- a record becomes a question; this file scores the choices and grades them. For answers that a model writes see graded_answers.lua.

local items = require "assay.tasks.items"
local batch = require "assay.tasks.batch"
local native = require "assay.native"
local prompting = require "assay.tasks.prompts"

local multiple_choice = {}

-- The text before a question: the description, then the shots (solved examples), each with its right answer and a blank line after it.
-- lm-evaluation-harness joins them in the same way.
function multiple_choice.head(shots, description)
   local parts = {}
   for _, shot in ipairs(shots or {}) do
      parts[#parts + 1] = (shot.contexts and shot.contexts[shot.gold] or shot.context) .. shot.continuations[shot.gold]
   end
   local head = #parts > 0 and table.concat(parts, "\n\n") .. "\n\n" or ""
   return (description or "") .. head
end

-- The requests { context, continuations } of a question: one for all choices, or one for each choice if their contexts differ. In
-- a plain prompt a continuation begins with a space; after a chat template it does not.
local function requests_of(o, m, question, head)
   local function trimmed(text) return o.chat and text:gsub("^ ", "") or text end
   local out = {}
   if question.contexts then
      for i, context in ipairs(question.contexts) do
         out[i] = { context = prompting.text(o, m, head .. context), continuations = { trimmed(question.continuations[i]) } }
      end
      return out
   end
   local texts = {}
   for i, text in ipairs(question.continuations) do texts[i] = trimmed(text) end
   return { { context = prompting.text(o, m, head .. question.context), continuations = texts } }
end

-- The log-likelihoods of the choices of every question, in order: { { -1.2, -3.4 }, ... }. All are scored in one batch, because then
-- the engine computes a prefix that prompts share, such as the shots, only once.
local function score_all(m, asked)
   local requests = {}
   for _, one in ipairs(asked) do table.move(one.requests, 1, #one.requests, #requests + 1, requests) end
   local scores, all, place = batch.score(m, requests), {}, 0
   for i, one in ipairs(asked) do
      all[i] = {}
      for _ = 1, #one.requests do
         place = place + 1
         for _, scored in ipairs(scores[place]) do table.insert(all[i], scored.sum) end
      end
   end
   return all
end

local function finite_or_null(values)
   local out = {}
   for i, value in ipairs(values) do
      out[i] = value == value and math.abs(value) < math.huge and value or native.json.null
   end
   return out
end

-- Accuracies that need no model: a blind guess, always the commonest right answer, and always the first choice (which a program picks
-- if all scores are NaN).
function multiple_choice.baselines(questions)
   local counts, most, guess = {}, 0, 0
   for _, question in ipairs(questions) do
      counts[question.gold] = (counts[question.gold] or 0) + 1
      most = math.max(most, counts[question.gold])
      guess = guess + 1 / #question.continuations / #questions
   end
   return { { name = "random choice", value = guess }, { name = "commonest answer", value = most / #questions },
      { name = "always the first choice", value = (counts[1] or 0) / #questions } }
end

local function first_maximum(values)
   local best
   for i, value in ipairs(values) do
      if type(value) == "number" and (not best or value > values[best]) then best = i end
   end
   return best
end

-- Scores the questions of the task and grades them. Returns the result of the task (items.result) with `choices`.
function multiple_choice.run(o, m, definition)
   local questions, shots, skipped = prompting.draw(o, definition)
   local asked, ids, samples, outputs = {}, {}, {}, {}
   local function asking(question)
      return requests_of(o, m, question, multiple_choice.head(shots, definition.describe and definition.describe(question)))
   end
   local overlong
   questions, overlong = prompting.fitting(m, questions, function(question)
      local longest = ""
      for _, request in ipairs(asking(question)) do
         for _, text in ipairs(request.continuations) do
            if #request.context + #text > #longest then longest = request.context .. text end
         end
      end
      return longest, 0
   end)
   for i, question in ipairs(questions) do asked[i] = { question = question, requests = asking(question) } end
   for i, lls in ipairs(score_all(m, asked)) do
      local question = questions[i]
      local values = finite_or_null(lls)
      ids[i] = question.id
      samples[i] = { record = { choices = question.choices, lls = values, gold = question.gold - 1 } }
      outputs[i] = { id = question.id, lls = native.json.list(values), pred = first_maximum(values), gold = question.gold,
         prompt_hash = native.fs.sha256(asked[i].requests[1].context):sub(1, 16) }
   end
   for i, question in ipairs(questions) do
      outputs[i].doc_hash, outputs[i].target_hash = items.hashes(question)
      outputs[i].cluster = question.cluster
   end
   local numbers, note = native.data.metric("multiple_choice", {}):evaluate({ task = definition.protocol }, samples)
   local result = items.result(ids, numbers, multiple_choice.baselines(questions), note)
   result.choices, result.clusters = outputs, items.clusters(questions)
   return prompting.note(result, skipped, overlong)
end

-- Makes the definition of a task (README.md). definition: { protocol = name, set = known dataset, summary, main = primary metric,
-- tokens_per_item, read = function(record), returns { id, context or contexts, continuations, choices, gold } or nil,
-- describe = function(question), optional, returns the text before the shots }. gold: the number of the right choice, from 1.
function multiple_choice.task(definition)
   return {
      kind = "choice",
      summary = definition.summary,
      default_margin = 2, -- percentage points
      options = prompting.with(definition.set),
      metrics = {
         { name = definition.main or "acc", unit = "fraction", direction = "higher", kind = "binary" },
         definition.main ~= "acc_norm" and { name = "acc_norm", unit = "fraction", direction = "higher",
            kind = "binary" } or nil,
      },
      read = definition.read,
      describe = definition.describe,
      set = definition.set,
      check = function(o) prompting.check(o, "assay.task." .. definition.protocol) end,
      protocol = function(o)
         local protocol = prompting.protocol(o)
         protocol.name, protocol.normaliser = definition.protocol, "characters"
         protocol.delimiter = o.chat and "" or " "
         return protocol
      end,
      tokens = function(o)
         local n = o.items > 0 and o.items or o.dataset:info().records or 1000
         return n * (definition.tokens_per_item or 120) * (1 + o.shots)
      end,
      run = function(o, m) return multiple_choice.run(o, m, definition) end,
   }
end

return multiple_choice
