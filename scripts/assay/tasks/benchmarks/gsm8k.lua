-- GSM8K: word problems of primary school. Three gradings of one text: strict ("#### n"), flexible (the last number), and by
-- value. A gap between strict and flexible that grows is a loss of format, not of mathematics.
local answering = require "assay.tasks.kinds.graded_answers"

local function read(record)
  local gold = record.answer and record.answer:match "#### (%-?[0-9%.,]+)"
  if not gold then return nil end
  return { id = record.question, prompt = "Question: " .. record.question .. "\nAnswer:", target = " "
    .. record.answer, gold_text = gold, category = "math" }
end

-- First "#### n", or "[invalid]": what the published harness compares as a string.
local function strict(text) return text:match "#### (%-?[0-9%.,]+)" or "[invalid]" end

-- Last match of (-?[$0-9.,]{2,})|(-?[0-9]+), or "[invalid]".
local function flexible(text)
  local place, last = 1, "[invalid]"
  while place <= #text do
    local first, final = text:find("^%-?[%$0-9%.,][%$0-9%.,]+", place)
    if not first then first, final = text:find("^%-?[0-9]+", place) end
    if first then
      last = text:sub(first, final)
      place = final + 1
    else
      place = place + 1
    end
  end
  return last
end

local function match_of(extract)
  return function(question, text) return { prediction = extract(text), golds = { question.gold_text } } end
end

local task = answering.task {
  protocol = "gsm8k", set = "gsm8k", summary = "word problems of primary school (GSM8K)", read = read, max_tokens = 256,
  stops = { "Question:", "</s>", "<|im_end|>" },
  metrics = {
    { name = "correct", unit = "fraction", direction = "higher", kind = "binary" },
    { name = "strict", unit = "fraction", direction = "higher", kind = "binary" },
    { name = "flexible", unit = "fraction", direction = "higher", kind = "binary" },
    { name = "no_answer", unit = "fraction", direction = "lower", kind = "binary" },
  },
  graders = {
    { id = "math", config = { extract = "gsm8k_flexible" }, take = { correct = "correct", no_answer = "no_answer" },
      record = function(question, text) return { prediction = text, gold = question.gold_text } end },
    { id = "exact_match", config = { normaliser = "gsm8k" }, take = { exact_match = "strict" },
      record = match_of(strict) },
    { id = "exact_match", config = { normaliser = "gsm8k" }, take = { exact_match = "flexible" },
      record = match_of(flexible) },
  },
  baselines = answering.constant_baselines "correct",
}
task.strict, task.flexible = strict, flexible
return task
