-- GSM8K: word problems of primary school. Each answer is graded three times: by the value of its last number, and by the strict
-- ("#### n") and flexible (last number) matches of lm-evaluation-harness. If a variant loses more by the strict match than by the
-- flexible one, it lost the format and not the mathematics.
local graded_answers = require "assay.tasks.kinds.graded_answers"

local function read(record)
   local gold = record.answer and record.answer:match "#### (%-?[0-9%.,]+)"
   if not gold then return nil end
   return { id = record.question, prompt = "Question: " .. record.question .. "\nAnswer:", target = " "
      .. record.answer, gold_text = gold, answer = record.answer, category = "math" }
end

-- A grader as in lm-evaluation-harness: extracts the result from the text and from the gold answer, and compares them as strings.
local function harness(extract, name)
   return { id = "exact_match", config = { extract = extract, normaliser = "gsm8k" }, take = { exact_match = name },
      record = function(question, text) return { prediction = text, golds = { question.answer } } end }
end

return graded_answers.task {
   protocol = "gsm8k", grading = "value of the last number", set = "gsm8k",
   summary = "word problems of primary school (GSM8K)", read = read, max_tokens = 256,
   stops = { "Question:", "</s>", "<|im_end|>" },
   metrics = {
      { name = "correct", unit = "fraction", direction = "higher", kind = "binary" },
      { name = "strict", unit = "fraction", direction = "higher", kind = "binary" },
      { name = "flexible", unit = "fraction", direction = "higher", kind = "binary" },
      { name = "no_answer", unit = "fraction", direction = "lower", kind = "binary" },
   },
   graders = {
      { id = "math", config = { extract = "last_number" }, take = { correct = "correct", no_answer = "no_answer" },
         record = function(question, text) return { prediction = text, gold = question.gold_text } end },
      harness("gsm8k_strict", "strict"), harness("gsm8k_flexible", "flexible"),
   },
   baselines = graded_answers.constant_baselines "correct",
}
