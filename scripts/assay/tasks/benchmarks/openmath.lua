-- OpenMathInstruct-2: mathematical problems. An answer is right if its text, its value or, for formulas, its values at a few points equal
-- those of the right answer (plugins/metrics/answers/NUMBERS.md). The set has no test split, so the hash of a problem's text decides
-- whether it is held out for evaluation. Several rows may have the same problem; they all get the same decision.
local graded_answers = require "assay.tasks.kinds.graded_answers"
local native = require "assay.native"

local FOLDS <const> = 20 -- one fold in twenty is for evaluation; the other folds may train or calibrate

-- The fold of a problem, a number from 0 to 19. Fold 0 is for evaluation.
local function fold_of(problem) return tonumber(native.fs.sha256(problem):sub(1, 8), 16) % FOLDS end

local function read(record)
   local problem, gold = record.problem, record.expected_answer
   if type(problem) ~= "string" or type(gold) ~= "string" or gold == "" or not problem:find "%S" then return nil end
   return { id = native.fs.sha256(problem):sub(1, 16), held_out = fold_of(problem) == 0, gold_text = gold,
      category = "math", stratum = record.problem_source, target = "\n" .. tostring(record.generated_solution or ""),
      prompt = "Solve the following math problem. Make sure to put the answer (and only answer) inside \\boxed{}.\n\n"
         .. problem }
end

local function grader(rule, take)
   return { id = "math", config = { extract = rule }, take = take,
      record = function(question, text) return { prediction = text, gold = question.gold_text } end }
end

local task = graded_answers.task {
   protocol = "openmath/problem-fold-0-of-20", grading = "value without what surrounds it",
   summary = "held-out mathematics problems (OpenMathInstruct-2)", read = read,
   distinct = true, keep = function(question) return question.held_out end,
   max_tokens = 512, stops = { "\n\n\n\n\n\n", "Problem:" },
   metrics = { { name = "correct", unit = "fraction", direction = "higher", kind = "binary" },
      { name = "relaxed", unit = "fraction", direction = "higher", kind = "binary" },
      { name = "no_answer", unit = "fraction", direction = "lower", kind = "binary" } },
   graders = { grader("boxed", { correct = "correct", no_answer = "no_answer" }),
      grader("boxed_or_last_number", { correct = "relaxed" }) },
   baselines = graded_answers.constant_baselines "correct",
}
task.fold_of = fold_of
return task
