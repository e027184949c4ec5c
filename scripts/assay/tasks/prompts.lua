-- Makes prompts from questions: draws the questions and the solved examples (shots) before them, applies the chat template, and excludes
-- prompts that are too long. Tasks that score choices and tasks that generate answers both use this file.
local first_token = require "assay.lib.first_token"
local items = require "assay.tasks.items"
local native = require "assay.native"

local prompting = {}

-- Options that every task over items takes.
prompting.options = {
   dataset = { type = "table", required = true, about = "a dataset in one of the layouts of this task" },
   items = { type = "integer", default = 0, min = 0, about = "number of questions, drawn with balance over the right answers; 0 = all" },
   seed = { type = "integer", default = 1, min = 0, about = "seed of the draw of questions" },
   shots = { type = "integer", default = 0, min = 0, about = "solved examples before each question" },
   shot_dataset = { type = "table", about = "where the examples come from; needed with shots" },
   shot_seed = { type = "integer", default = 1234, min = 0, about = "seed of the draw of examples, which all questions share" },
   chat = { type = "boolean", default = false, about = "put the prompt through the chat template" },
   thinking = { type = "boolean", about = "passed to the template as enable_thinking; without it the template decides" },
}

-- Options of a task: those above and `more`. set: the known dataset that is taken if the script names none.
function prompting.with(set, more)
   local all = {}
   for key, rule in pairs(prompting.options) do all[key] = rule end
   if set then
      all.dataset = { type = "table", about = "default: assay.dataset." .. set .. " {}" }
   end
   for key, rule in pairs(more or {}) do all[key] = rule end
   return all
end

-- Raises an error if the option `dataset` is no dataset, or if there are shots but no dataset for them.
function prompting.check(o, where)
   if type(o.dataset.records) ~= "function" then
      require("assay.lib.fail").usage(where .. ": 'dataset' must be a dataset", "assay.dataset.parquet { path = ... }")
   end
   if o.shots > 0 and not o.shot_dataset then
      require("assay.lib.fail").usage(where .. ": 'shots' needs 'shot_dataset'",
         "Take the training split, so that no question is also an example")
   end
end

-- The part of a protocol that all tasks over items have.
function prompting.protocol(o)
   local null = native.json.null
   return { first_token = first_token, items = o.items, seed = o.seed, shots = o.shots, shot_seed = o.shots > 0 and o.shot_seed or null,
      template = o.chat and "chat" or null, thinking = o.thinking == nil and null or o.thinking,
      dataset = items.dataset_key(o.dataset),
      shot_dataset = o.shot_dataset and items.dataset_key(o.shot_dataset) or null }
end

-- Returns the questions of a dataset, and the ids of the rows for which read(record) gives nil (no right answer, empty text).
function prompting.read(dataset, read)
   local questions, skipped, n = {}, {}, 0
   for record in dataset:records() do
      n = n + 1
      local question = read(record)
      if question then questions[#questions + 1] = question
      else skipped[#skipped + 1] = tostring(type(record.id) == "string" and record.id or "row " .. n) end
   end
   if #questions == 0 then
      require("assay.lib.fail").work("no row of the dataset can be read by this task",
         { hint = n == 0 and "The dataset is empty" or "Is it the right dataset, with gold answers? " .. n .. " rows were skipped" })
   end
   return questions, skipped
end

-- The questions for which definition.keep says that they are for evaluation; with definition.distinct, each text only once.
local function kept(all, definition)
   if not (definition.keep or definition.distinct) then return all end
   local out, seen = {}, {}
   for _, question in ipairs(all) do
      local content = items.content(question)
      local again = definition.distinct and seen[content]
      seen[content] = true
      if not again and (not definition.keep or definition.keep(question)) then out[#out + 1] = question end
   end
   return out
end

-- Returns the questions, the shots and the ids of the rows that cannot be read. The draw does not depend on the model or on the order
-- of the rows. A question that is asked is never a shot.
function prompting.draw(o, definition)
   local read = definition.read
   local all, skipped = prompting.read(o.dataset, read)
   all = kept(all, definition)
   if #all == 0 then
      require("assay.lib.fail").work("no question of the dataset is held out for evaluation", { hint = "Give more rows" })
   end
   local questions = items.select(all, o.items, o.seed)
   local shots = {}
   if o.shots > 0 then
      local pool = prompting.read(o.shot_dataset, read)
      local asked = {}
      for _, question in ipairs(questions) do asked[items.content(question)] = true end
      local apart = {}
      for _, shot in ipairs(pool) do if not asked[items.content(shot)] then apart[#apart + 1] = shot end end
      shots = items.select(apart, o.shots, o.shot_seed)
   end
   return questions, shots, skipped
end

-- The text of a prompt, put through the chat template if the option `chat` is set. prefix: words with which the answer begins, or nil.
function prompting.text(o, m, plain, prefix)
   if not o.chat then return plain .. (prefix and "\n" .. prefix or "") end
   local extra = { generate = true }
   if o.thinking ~= nil then extra.enable_thinking = o.thinking end
   return m:chat({ { role = "user", content = plain } }, extra) .. (prefix or "")
end

-- The largest number of tokens that a model can read; nil if its configuration does not say.
local function positions_of(m)
   local n = m.info and m:info().positions
   return n and n > 0 and n or nil
end

-- Returns the questions whose prompt and answer fit into the model's context, and the ids of the questions that do not fit. A prompt is
-- never cut: a question that does not fit is excluded for every variant, and listed. measure(question) returns the longest text that
-- the model would read, and the number of tokens that it would generate.
function prompting.fitting(m, questions, measure)
   local limit, fitting, overlong = positions_of(m), {}, {}
   if not limit then return questions, overlong end
   for _, question in ipairs(questions) do
      local text, more = measure(question)
      -- a token has at least one byte, and one first token may be added, so most texts fit by their length and need not be encoded
      if #text + 1 + more <= limit or #m:encode(text, { start = true }) + more <= limit then fitting[#fitting + 1] = question
      else overlong[#overlong + 1] = tostring(question.id) end
   end
   return fitting, overlong
end

-- Adds the ids of the items that were not evaluated to the result of a task.
function prompting.note(result, skipped, overlong)
   result.skipped = native.json.list(skipped)
   result.overlong = native.json.list(overlong)
   return result
end

return prompting
