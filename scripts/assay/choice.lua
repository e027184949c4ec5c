-- Multiple choice by log-likelihood: what the task files of this kind share. A task file says how a record becomes a
-- question; prompts, shots, choice of items, scoring and metrics are here. Not letter answers in generated text.

local items = require "assay.items"
local native = require "assay.native"

local choice = {}

-- What stands before a question: a description and the few shots, as lm-evaluation-harness joins them: each shot with its
-- right answer, blank lines between.
function choice.head(shots, description)
  local parts = {}
  for _, shot in ipairs(shots or {}) do
    parts[#parts + 1] = (shot.contexts and shot.contexts[shot.gold] or shot.context) .. shot.continuations[shot.gold]
  end
  local head = #parts > 0 and table.concat(parts, "\n\n") .. "\n\n" or ""
  return (description or "") .. head
end

-- Log-likelihoods of the choices. question: { context, continuations } or, where the context differs by choice,
-- { contexts, continuations }.
local function log_likelihoods(m, question, head)
  local sums = {}
  if question.contexts then
    for i, context in ipairs(question.contexts) do
      sums[i] = m:score(head .. context, { question.continuations[i] })[1].sum
    end
    return sums
  end
  for i, one in ipairs(m:score(head .. question.context, question.continuations)) do sums[i] = one.sum end
  return sums
end

local function finite_or_null(values)
  local out = {}
  for i, value in ipairs(values) do
    out[i] = value == value and math.abs(value) < math.huge and value or native.json.null
  end
  return out
end

-- Share of the commonest right answer, and of a blind guess.
function choice.baselines(questions)
  local counts, most, guess = {}, 0, 0
  for _, question in ipairs(questions) do
    counts[question.gold] = (counts[question.gold] or 0) + 1
    most = math.max(most, counts[question.gold])
    guess = guess + 1 / #question.continuations / #questions
  end
  return { { name = "random choice", value = guess }, { name = "commonest answer", value = most / #questions } }
end

local function questions_of(o, read)
  local all = {}
  for record in o.dataset:records() do
    local question = read(record)
    if question then all[#all + 1] = question end
  end
  return all
end

-- Runs the questions through the model and the metric plugin; returns a stage result for items (see judge_items).
function choice.run(o, m, progress, definition)
  local questions = items.select(questions_of(o, definition.read), o.items, o.seed)
  local shots = o.shots > 0 and o.shot_dataset
    and items.select(questions_of({ dataset = o.shot_dataset }, definition.read), o.shots, o.seed) or {}
  local samples, ids = {}, {}
  for i, question in ipairs(questions) do
    progress(i - 1, #questions, question.id)
    local head = choice.head(shots, definition.describe and definition.describe(question))
    local lls = log_likelihoods(m, question, head)
    ids[i] = question.id
    samples[i] = { record = { choices = question.choices, lls = finite_or_null(lls), gold = question.gold - 1 } }
  end
  local result = native.data.metric("multiple_choice", {}):evaluate({ task = definition.protocol }, samples)
  return items.result(ids, result, choice.baselines(questions))
end

-- definition: { summary, read = function(record) -> { id, context | contexts, continuations, choices, gold } | nil,
-- describe = function(question) -> text before the shots, or nil }. Returns a task definition.
function choice.task(definition)
  return {
    kind = "choice",
    summary = definition.summary,
    options = {
      dataset = { type = "table", required = definition.set == nil,
        about = definition.set and "default: assay.dataset." .. definition.set .. " {}"
          or "a dataset in one of the layouts of this task" },
      items = { type = "integer", default = 0, min = 0,
        about = "questions, drawn by content and balanced over answers; 0 = all" },
      seed = { type = "integer", default = 1, min = 0, about = "of the draw of questions and shots" },
      shots = { type = "integer", default = 0, min = 0, about = "solved examples before each question" },
      shot_dataset = { type = "table", about = "where the examples come from; needed with shots" },
    },
    metrics = {
      { name = definition.main or "acc", unit = "fraction", direction = "higher", kind = "binary" },
      definition.main ~= "acc_norm" and { name = "acc_norm", unit = "fraction", direction = "higher",
        kind = "binary" } or nil,
    },
    read = definition.read,
    set = definition.set,
    protocol = function(o)
      return { name = definition.protocol, items = o.items, seed = o.seed, shots = o.shots,
        template = native.json.null,
        normaliser = "characters", dataset = o.dataset:identity().sha256,
        shot_dataset = o.shot_dataset and o.shot_dataset:identity().sha256 or native.json.null }
    end,
    tokens = function(o)
      local n = o.items > 0 and o.items or o.dataset:info().records or 1000
      return n * (definition.tokens_per_item or 120) * (1 + o.shots)
    end,
    run = function(o, m, progress) return choice.run(o, m, progress, definition) end,
  }
end

return choice
