-- Tasks that generate an answer and grade it: what their files share. Raw text, finish reason and length are always kept.
-- Not multiple choice by log-likelihood (choice.lua).

local items = require "assay.items"
local native = require "assay.native"

local answering = {}

local function prompt_of(o, m, question)
  local shots = {}
  for _, shot in ipairs(o.shot_questions or {}) do shots[#shots + 1] = shot.prompt .. shot.target end
  local text = (#shots > 0 and table.concat(shots, "\n\n") .. "\n\n" or "") .. question.prompt
  if not o.chat then return text end
  return m:chat({ { role = "user", content = text } }, { generate = true })
end

local function questions_of(dataset, read)
  local all = {}
  for record in dataset:records() do
    local question = read(record)
    if question then all[#all + 1] = question end
  end
  return all
end

-- Cut before the first stop text, in case the engine's last token reached beyond it.
local function before_stops(text, stops)
  for _, stop in ipairs(stops) do
    local place = text:find(stop, 1, true)
    if place then text = text:sub(1, place - 1) end
  end
  return text
end

local function generate_all(o, m, progress, definition, questions)
  local outputs = {}
  for i, question in ipairs(questions) do
    progress(i - 1, #questions, question.id)
    local answer = m:generate(prompt_of(o, m, question),
      { max_tokens = o.max_tokens, temperature = 0, stop = definition.stops })
    outputs[i] = { id = question.id, text = before_stops(answer.text, definition.stops), tokens = #answer.ids,
      finish = answer.finish }
  end
  return outputs
end

-- definition: { protocol, summary, read = record -> { id, prompt, target, ... } | nil, stops, max_tokens,
-- grade = function(question, text) -> { metric id -> record }, graders = { { id, config, take = { name -> name } } },
-- main, baselines }. Returns a task definition.
function answering.task(definition)
  local task = {
    kind = "generation",
    summary = definition.summary,
    options = {
      dataset = { type = "table", required = definition.set == nil,
        about = definition.set and "default: assay.dataset." .. definition.set .. " {}"
          or "a dataset in one of the layouts of this task" },
      items = { type = "integer", default = 0, min = 0, about = "questions, drawn by content; 0 = all" },
      seed = { type = "integer", default = 1, min = 0, about = "of the draw of questions and shots" },
      shots = { type = "integer", default = 0, min = 0, about = "solved examples before each question" },
      shot_dataset = { type = "table", about = "where the examples come from; needed with shots" },
      max_tokens = { type = "integer", default = definition.max_tokens, min = 1, about = "tokens of an answer" },
      chat = { type = "boolean", default = false, about = "put the prompt through the chat template" },
    },
    metrics = definition.metrics,
    read = definition.read,
    set = definition.set,
    protocol = function(o)
      return { name = definition.protocol, items = o.items, seed = o.seed, shots = o.shots, max_tokens = o.max_tokens,
        template = o.chat and "chat" or native.json.null, stops = definition.stops,
        abstentions = definition.abstentions,
          dataset = o.dataset:identity().sha256,
        shot_dataset = o.shot_dataset and o.shot_dataset:identity().sha256 or native.json.null }
    end,
    tokens = function(o)
      local n = o.items > 0 and o.items or o.dataset:info().records or 1000
      return n * o.max_tokens * 12 -- decoding one token at a time is slower
    end,
  }
  function task.run(o, m, progress)
    local questions = items.select(questions_of(o.dataset, definition.read), o.items, o.seed)
    if o.shots > 0 and o.shot_dataset then
      local drawn = items.select(questions_of(o.shot_dataset, definition.read), o.shots, o.seed)
      o = setmetatable({ shot_questions = drawn }, { __index = o })
    end
    local outputs = generate_all(o, m, progress, definition, questions)
    return answering.graded(definition, questions, outputs)
  end
  return task
end

-- Grades kept outputs; apart from the generation, so that a study can grade again without running the model.
function answering.graded(definition, questions, outputs)
  local ids, metrics = {}, {}
  for i, question in ipairs(questions) do ids[i] = question.id end
  for _, grader in ipairs(definition.graders) do
    local samples = {}
    for i, question in ipairs(questions) do samples[i] = { record = grader.record(question, outputs[i].text) } end
    local given = native.data.metric(grader.id, grader.config):evaluate({ task = definition.protocol }, samples)
    for from, to in pairs(grader.take) do metrics[to] = given[from] end
  end
  local result = items.result(ids, metrics, definition.baselines and definition.baselines(questions) or {})
  result.outputs = outputs
  return result
end

return answering
