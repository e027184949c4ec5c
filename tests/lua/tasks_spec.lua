-- Tests tasks over items: prompts in their published form, items drawn by their content, results with the right statistics.
-- The model is a stub with known scores; the metric plugin is the real one.
local items = require "assay.tasks.items"
local native = require "assay.native"
local comparisons = require "assay.results.comparisons"
local families = require "assay.results.families"
local verdicts = require "assay.results.verdicts"

local function task(name) return require("assay.tasks")[name] end

local ARC <const> = { id = "q1", question = "What freezes at 0 degrees?", answerKey = "2",
   choices = { text = { "iron", "water", "air" }, label = { "1", "2", "3" } } }

local function dataset_of(records)
   return { records = function()
      local i = 0
      return function() i = i + 1 return records[i] end
   end, info = function() return { records = #records } end, identity = function() return { sha256 = "x" } end }
end

-- A stub that gives a high score to continuations that contain `word`. If `seen` is given, the stub
-- lists there what it was asked.
local function model_that_likes(word, seen)
   return { score = function(_, context, continuations)
      local out = {}
      for i, text in ipairs(continuations) do
         if seen then seen[#seen + 1] = context .. "|" .. text end
         out[i] = { sum = text:find(word, 1, true) and -1 or -5, tokens = 1, greedy = false }
      end
      return out
   end }
end

local function options(records, more)
   local o = { dataset = dataset_of(records), items = 0, seed = 1, shots = 0 }
   for key, value in pairs(more or {}) do o[key] = value end
   return o
end

local function quiet() end

describe("prompts", function()
   it("of ARC are made from both layouts of the dataset, also with numeric keys", function()
      local q = task("arc_easy").read(ARC)
      assert.equal("Question: What freezes at 0 degrees?\nAnswer:", q.context)
      assert.same({ " iron", " water", " air" }, q.continuations)
      assert.equal(2, q.gold)
      local original = task("arc_easy").read { id = "q2", answerKey = "A", question = { stem = "Stem?",
         choices = { { text = "x", label = "A" }, { text = "y", label = "B" } } } }
      assert.equal("Question: Stem?\nAnswer:", original.context)
      assert.equal(1, original.gold)
   end)
   it("of BoolQ have the choice ' no' before ' yes'", function()
      local q = task("boolq").read { question = "is it", passage = "It is.", answer = true }
      assert.equal("It is.\nQuestion: is it?\nAnswer:", q.context)
      assert.same({ " no", " yes" }, q.continuations)
      assert.equal(2, q.gold)
      assert.equal(1, task("boolq").read { question = "q", passage = "p", label = 0 }.gold)
   end)
   it("of PIQA and MMLU follow the published form", function()
      assert.equal("Question: open a jar\nAnswer:", task("piqa").read { goal = "open a jar", sol1 = "a", sol2 = "b",
         label = 1 }.context)
      local q = task("mmlu").read { question = " Q? ", choices = { "w", "x", "y", "z" }, answer = 2,
         subject = "high_school_physics" }
      assert.equal("Q?\nA. w\nB. x\nC. y\nD. z\nAnswer:", q.context)
      assert.equal(3, q.gold)
   end)
   it("of HellaSwag are cleaned", function()
      local q = task("hellaswag").read { activity_label = "Cooking", ctx_a = "A man [step] cooks.", ctx_b = "he THEN",
         endings = { "eats [title] it.", "b", "c", "d" }, label = "0" }
      assert.equal("Cooking: A man cooks. He then", q.context)
      assert.equal("eats. it.", q.choices[1])
   end)
   it("of WinoGrande fill in each option and end with the same rest of the sentence", function()
      local q = task("winogrande").read { sentence = "The cup fits in _ because it is small.", option1 = "the box",
         option2 = "the bag", answer = "2" }
      assert.same({ "The cup fits in the box", "The cup fits in the bag" }, q.contexts)
      assert.equal(" because it is small.", q.continuations[1])
   end)
end)

describe("a run", function()
   local records = {}
   for i = 1, 12 do
      records[i] = { id = "q" .. i, question = "Question " .. i .. "?", answerKey = i % 2 == 0 and "A" or "B",
         choices = { text = { "right" .. i, "other" .. i }, label = { "A", "B" } } }
   end
   it("scores every choice and keeps one score per item", function()
      local result = task("arc_easy").run(options(records), model_that_likes "right", quiet)
      assert.equal(12, #result.ids)
      assert.equal(0.5, result.metrics.acc.value)
      assert.equal("binary", result.metrics.acc.kind)
      assert.equal(12, #result.metrics.acc.scores)
      assert.equal(0.5, result.baselines[1].value)
   end)
   -- Shots are solved examples in the prompt.
   it("puts shots with their answers before the question", function()
      local seen = {}
      task("arc_easy").run(options({ records[1] }, { shots = 1, shot_dataset = dataset_of { records[2] } }),
         model_that_likes("right", seen), quiet)
      assert.equal("Question: Question 2?\nAnswer: right2\n\nQuestion: Question 1?\nAnswer:| right1", seen[1])
   end)
   it("stops at scores that are not finite", function()
      local broken = { score = function() return { { sum = 0 / 0 }, { sum = -1 } } end }
      local ok, problem = pcall(task("arc_easy").run, options { records[1] }, broken, quiet)
      assert.equal(false, ok)
      assert.contains(tostring(problem), "a log-likelihood is not finite")
   end)
end)

describe("generated answers", function()
   local function model_that_says(texts)
      local i = 0
      return { generate = function()
         i = i + 1
         return { text = texts[i], ids = { 1, 2, 3 }, finish = "stop" }
      end }
   end
   it("of GSM8K are graded three ways", function()
      local records = {}
      for i = 1, 4 do records[i] = { question = "Problem " .. i, answer = "Because.\n#### 18" } end
      local result = task("gsm8k").run(options(records, { max_tokens = 8 }),
         model_that_says { "so 9*2=18\n#### 18", "it is 18.", "#### 18.00", "no idea" }, quiet)
      assert.same({ 1, 1, 1, 0 }, result.metrics.correct.scores)
      assert.same({ 1, 0, 0, 0 }, result.metrics.strict.scores) -- as strings 18.00 is not 18
      assert.same({ 1, 1, 0, 0 }, result.metrics.flexible.scores)
      assert.same({ 0, 0, 0, 1 }, result.metrics.no_answer.scores)
      assert.equal("no idea", result.outputs[4].text)
   end)
   it("of GSM8K are extracted as in the published harness", function()
      local function is_found(rule, text, found)
         local given = native.data.metric("exact_match", { extract = rule }):evaluate({ task = "gsm8k" },
            { { record = { prediction = text, golds = native.json.list { found } } } })
         return given.exact_match.value == 1
      end
      assert.is_true(is_found("gsm8k_flexible", "He has 3,000 dollars...", "..."))
      assert.is_true(is_found("gsm8k_flexible", "answer: 1/2", "2"))
      assert.is_true(is_found("gsm8k_strict", "The answer is $3,000.", "[invalid]"))
   end)
   it("of GSM8K are compared by value whatever surrounds the number, and also as strings by the published harness's rules", function()
      local records = {}
      for i = 1, 4 do records[i] = { question = "Problem " .. i, answer = "Because.\n#### 3,000" } end
      local result = task("gsm8k").run(options(records, { max_tokens = 8 }), model_that_says {
         "He has 3,000 dollars...", "It is $3,000, all told.", "#### 3,000", "It is 3,001, not more." }, quiet)
      assert.same({ 1, 1, 1, 0 }, result.metrics.correct.scores)
      assert.same({ 0, 0, 1, 0 }, result.metrics.strict.scores)
      assert.same({ 0, 1, 1, 0 }, result.metrics.flexible.scores)
   end)
   it("of SQuAD get credit for an abstention only in the declared words", function()
      local records = {}
      for i, golds in ipairs { {}, {}, { "Bath" } } do
         records[i] = { id = "s" .. i, title = "T", context = "C " .. i, question = "Q?", answers = { text = golds } }
      end
      local result = task("squad_v2").run(options(records, { max_tokens = 8 }),
         model_that_says { " !!!!", " unanswerable", " in Bath\nQuestion: next" }, quiet)
      assert.equal(0.5, result.metrics.NoAns_accuracy.value)
      assert.near(2 / 3, result.metrics.HasAns_f1.value, 1e-9)
      assert.same({ 1, 0, 0 }, result.metrics.empty_or_degenerate.scores)
      assert.near(2 / 3, result.baselines[2].value, 1e-9)
      assert.near((2 / 3 + 0.5) / 2, result.metrics.balanced.value, 1e-9)
   end)
end)

describe("the draw of items", function()
   local questions = {}
   for i = 1, 100 do questions[i] = { id = i, context = "c" .. i, gold = i % 4 + 1 } end
   it("does not depend on the order of the file and is balanced over answers", function()
      local a = items.select(questions, 20, 1)
      local shuffled = {}
      for i = 1, 100 do shuffled[i] = questions[(i * 37) % 100 + 1] end
      local b = items.select(shuffled, 20, 1)
      local ids, counts = {}, {}
      for _, q in ipairs(a) do ids[q.id], counts[q.gold] = true, (counts[q.gold] or 0) + 1 end
      for _, q in ipairs(b) do assert.is_true(ids[q.id], "item " .. q.id) end
      for gold = 1, 4 do assert.equal(5, counts[gold]) end
   end)
   it("is another one for another seed, and never the first n", function()
      local first, changed = true, false
      local a, b = items.select(questions, 20, 1), items.select(questions, 20, 2)
      for i = 1, 20 do
         first = first and a[i].id == i
         changed = changed or a[i].id ~= b[i].id
      end
      assert.equal(false, first)
      assert.is_true(changed)
   end)
end)

-- Gives the rows their verdicts, as one family of comparisons with one margin.
local function judged(rows, margin)
   for _, row in ipairs(rows) do row.primary, row.margin = true, margin end
   return verdicts.judge(rows, families.p_values(rows, {}, { alpha = 0.05, seed = 1 }), {}, {}, 0.05)
end

describe("results over items", function()
   local function row(id, scores)
      local total = 0
      for _, s in ipairs(scores) do total = total + s end
      return { variant = { id = id }, stage = { result = { metrics = { acc = { value = total / #scores,
         unit = "fraction",
         direction = "higher", kind = "binary", scores = scores } } } } }
   end
   local base, worse = {}, {}
   for i = 1, 200 do base[i], worse[i] = i <= 150 and 1 or 0, i <= 110 and 1 or 0 end
   local results = comparisons.of_task({ id = "arc" }, "acc",
      { row("b/none", base), row("b/q", worse), row("b/same", base) },
      { seed = 1, replicates = 1000 })
   results = judged(results, 2)
   it("carry counts, intervals and the paired difference in points", function()
      assert.equal(150, results[1].counts.correct)
      assert.equal("Wilson", results[1].interval.method)
      assert.near(-20, results[2].paired.estimate, 1e-9)
      assert.equal(40, results[2].paired.lost)
      assert.equal("Tango score", results[2].paired.method)
      assert.near(0.2, results[2].paired.flips, 1e-9)
      assert.equal("pp", results[2].mde.unit)
   end)
   it("never say that nothing is lost if a loss of the margin's size could not have been seen", function()
      local few = comparisons.of_task({ id = "arc" }, "acc",
         { row("b/none", table.move(base, 1, 20, 1, {})), row("b/same", table.move(base, 1, 20, 1, {})) },
         { seed = 1, replicates = 100 })
      few = judged(few, 18) -- Tango's interval reaches 16 points, which is within the margin of 18
      assert.is_true(few[2].mde.value < 18)
      assert.equal("tie", few[2].verdict)
      assert.equal("inconclusive", judged(few, few[2].mde.value - 0.1)[2].verdict)
   end)
   it("of a part of the items are proportions of that part", function()
      local function half(id, scores, weights)
         return { variant = { id = id }, stage = { result = { metrics = { acc = { value = 0.5, unit = "fraction",
            direction = "higher", kind = "ratio", scores = scores, weights = weights } }, counts = { items = 4 } } } }
      end
      local of = comparisons.of_task({ id = "squad" }, "acc", { half("b/none", { 1, 0, 0, 0 }, { 1, 1, 0, 0 }),
         half("b/q", { 0, 1, 0, 0 }, { 1, 1, 0, 0 }), half("b/r", { 0, 0, 1, 0 }, { 0, 0, 1, 1 }) }, { seed = 1, replicates = 100 })
      assert.equal("Wilson", of[1].interval.method)
      assert.equal(2, of[1].counts.items)
      assert.equal(1, of[2].paired.lost)
      assert.equal("the two models are scored on different items: compare their intervals", of[3].reason)
      local graded = comparisons.of_task({ id = "squad" }, "acc", { half("b/none", { 1, 0.5, 0, 0 }, { 1, 1, 0, 0 }),
         half("b/q", { 0.5, 0.5, 0, 0 }, { 1, 1, 0, 0 }) }, { seed = 1, replicates = 100 })
      assert.equal(2, graded[1].counts.items)
      assert.near(-25, graded[2].paired.estimate, 1e-9)
      local one = comparisons.of_task({ id = "squad" }, "acc", { half("b/none", { 0.3, 0, 0, 0 }, { 1, 0, 0, 0 }),
         half("b/q", { 0.4, 0, 0, 0 }, { 1, 0, 0, 0 }) }, { seed = 1, replicates = 100 })
      assert.equal("an interval needs at least two items", one[1].reason)
      assert.equal("too few items for a comparison", one[2].reason)
   end)
   it("get their verdicts", function()
      assert.equal("reference", results[1].verdict)
      assert.equal("worse", results[2].verdict)
      assert.equal("tie", results[3].verdict)
   end)
end)
