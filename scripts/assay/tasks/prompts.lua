-- From questions to the texts that a model reads: which questions, the solved examples before them, the chat template,
-- thinking on or off, prompts that are too long. Shared by tasks that score choices and tasks that generate answers.
-- Not the scoring (choice.lua, answering.lua) and no words of a task.

local items = require "assay.tasks.items"
local native = require "assay.native"

local prompting = {}

-- Options that every task over items takes.
prompting.options = {
  dataset = { type = "table", required = true, about = "a dataset in one of the layouts of this task" },
  items = { type = "integer", default = 0, min = 0, about = "questions, drawn by content and balanced; 0 = all" },
  seed = { type = "integer", default = 1, min = 0, about = "of the draw of questions" },
  shots = { type = "integer", default = 0, min = 0, about = "solved examples before each question" },
  shot_dataset = { type = "table", about = "where the examples come from; needed with shots" },
  shot_seed = { type = "integer", default = 1234, min = 0, about = "of the draw of examples: the same for all questions" },
  chat = { type = "boolean", default = false, about = "put the prompt through the chat template" },
  thinking = { type = "boolean", about = "passed to the template as enable_thinking; its own default if not given" },
}

-- set: the known dataset that the task is made for, which needs not be given then.
function prompting.with(set, more)
  local all = {}
  for key, rule in pairs(prompting.options) do all[key] = rule end
  if set then
    all.dataset = { type = "table", about = "default: assay.dataset." .. set .. " {}" }
  end
  for key, rule in pairs(more or {}) do all[key] = rule end
  return all
end

function prompting.check(o, where)
  if type(o.dataset.records) ~= "function" then
    require("assay.lib.fail").usage(where .. ": 'dataset' must be a dataset", "assay.dataset.parquet { path = ... }")
  end
  if o.shots > 0 and not o.shot_dataset then
    require("assay.lib.fail").usage(where .. ": 'shots' needs 'shot_dataset'",
      "Take the training split, so that no question is also an example")
  end
end

-- What fixes a number besides the task's own words.
function prompting.protocol(o)
  local null = native.json.null
  return { items = o.items, seed = o.seed, shots = o.shots, shot_seed = o.shots > 0 and o.shot_seed or null,
    template = o.chat and "chat" or null, thinking = o.thinking == nil and null or o.thinking,
    dataset = items.dataset_key(o.dataset),
    shot_dataset = o.shot_dataset and items.dataset_key(o.shot_dataset) or null }
end

-- Questions of a dataset; rows that the task cannot read (no gold answer, empty text) are counted and listed.
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

-- Questions that a task keeps for evaluation, each content once where rows repeat their problem.
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

-- The questions of this run and the examples, drawn by content: the same for every model, whatever the order of the file.
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

-- The text of a prompt, with the chat template if asked for. prefix: words that the answer begins with.
function prompting.text(o, m, plain, prefix)
  if not o.chat then return plain .. (prefix and "\n" .. prefix or "") end
  local extra = { generate = true }
  if o.thinking ~= nil then extra.enable_thinking = o.thinking end
  return m:chat({ { role = "user", content = plain } }, extra) .. (prefix or "")
end

-- Tokens that a model sees at once; nil if its configuration does not say.
local function positions_of(m)
  local n = m.info and m:info().positions
  return n and n > 0 and n or nil
end

-- Questions whose prompt and answer fit; the others are listed and scored for nobody, never cut.
-- measure(question) -> longest text that the model would read, tokens still to come.
function prompting.fitting(m, questions, measure)
  local limit, fitting, overlong = positions_of(m), {}, {}
  if not limit then return questions, overlong end
  for _, question in ipairs(questions) do
    local text, more = measure(question)
    -- a token has at least one byte: most texts need not be encoded to see that they fit
    if #text + more <= limit or #m:encode(text) + more <= limit then fitting[#fitting + 1] = question
    else overlong[#overlong + 1] = tostring(question.id) end
  end
  return fitting, overlong
end

-- Adds to a stage's result what was not evaluated.
function prompting.note(result, skipped, overlong)
  result.skipped = native.json.list(skipped)
  result.overlong = native.json.list(overlong)
  return result
end

return prompting
