-- SQuAD v2 by our own rule: the answer is a piece of the passage, or exactly "unanswerable". Only this word counts as an abstention (the
-- statement that there is no answer); an empty or garbled answer never counts as right. The numbers of the official script
-- are given as further metrics.
local graded_answers = require "assay.tasks.kinds.graded_answers"
local native = require "assay.native"

local ABSTENTION <const> = "unanswerable"

local function read(record)
   if not record.context or not record.answers then return nil end
   local golds = record.answers.text or {}
   return { id = record.id, golds = golds, cluster = record.title, stratum = #golds > 0 and "HasAns" or "NoAns",
      category = #golds > 0 and "factual_qa" or "abstention", target = " "
      .. (golds[1] or ABSTENTION),
      prompt = "Answer with a span of the passage, or with exactly \"" .. ABSTENTION
         .. "\" if the passage does not say.\n\nTitle: "
         .. record.title .. "\n\nPassage: " .. record.context .. "\n\nQuestion: " .. record.question .. "\n\nAnswer:" }
end

-- The balanced score: the mean of the F1 on answerable questions and the accuracy on unanswerable ones. A model that always abstains
-- gets 0.5. Each question gets a number so that the mean of these numbers is the score; from them an interval can be computed.
local function balanced(questions, metrics)
   local has, none = metrics.HasAns_f1, metrics.NoAns_accuracy
   if not (has and none) then return end
   local n, n_has = #questions, 0
   for _, question in ipairs(questions) do if #question.golds > 0 then n_has = n_has + 1 end end
   local scores, sum = {}, 0
   for i, question in ipairs(questions) do
      local answerable = #question.golds > 0
      scores[i] = (answerable and has.scores[i] / n_has or none.scores[i] / (n - n_has)) * n / 2
      sum = sum + scores[i] / n
   end
   metrics.balanced = { value = sum, unit = "fraction", direction = "higher", kind = "mean", scores = scores }
end

local function share_unanswerable(questions)
   local n = 0
   for _, question in ipairs(questions) do if #question.golds == 0 then n = n + 1 end end
   return { { name = "always abstaining", metric = "balanced", value = 0.5 },
      { name = "always abstaining", metric = "official_f1", value = n / #questions },
      { name = "never abstaining", metric = "NoAns_accuracy", value = 0 } }
end

-- The metrics: name, kind, direction (default "higher"). `balanced` is computed above; the grader gives the other metrics.
local metrics, taken = {}, {}
for i, one in ipairs { { "balanced", "mean" }, { "HasAns_f1", "ratio" }, { "HasAns_exact", "ratio" }, { "NoAns_accuracy", "ratio" },
   { "abstention_precision", "ratio" }, { "empty_or_degenerate", "binary", "lower" }, { "official_f1", "bounded" },
   { "official_exact", "bounded" } } do
   metrics[i] = { name = one[1], unit = "fraction", direction = one[3] or "higher", kind = one[2] }
   if i > 1 then taken[one[1]] = one[1] end
end

return graded_answers.task {
   protocol = "squad_v2/lab-1", set = "squad_v2", summary = "a span of a passage, or unanswerable (SQuAD v2)", read = read,
   max_tokens = 40, stops = { "\n" }, abstentions = { ABSTENTION }, short_answers = true, derive = balanced, metrics = metrics,
   graders = { { id = "squad_v2", config = { abstentions = { ABSTENTION } }, take = taken,
      record = function(question, text)
         return { prediction = text, golds = native.json.list(table.move(question.golds, 1, #question.golds, 1, {})) }
      end } },
   baselines = share_unanswerable,
}
