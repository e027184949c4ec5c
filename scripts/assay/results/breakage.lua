-- Counts the signs of broken output of each variant, beside those of the untouched model: the part `detectors` of report.json.
-- scripts/assay/detectors finds the signs (F01 to F23); this file sums them over tasks.
local compare = require "assay.detectors.compare"
local detectors = require "assay.detectors"
local json = require("assay.native").json
local stored = require "assay.results.stored"

local breakage = {}

-- The chosen and the right places (1 = first choice) in a result of multiple choice; two empty lists for other results.
function breakage.predictions(result)
   local predicted, gold = {}, {}
   for i, one in ipairs(result.choices or {}) do predicted[i], gold[i] = one.pred, one.gold end
   return predicted, gold
end

-- ---- rows of one task ----------------------------------------------------------------------------

-- F14 for multiple choice: one label is chosen too often, or the recalls of the labels (the share of a label's right answers that is
-- found) differ more from each other than the untouched model's. own, base: results of the variant and of the untouched model.
-- Returns a row, or nil for other tasks.
local function label_row(own, base)
   local predicted, gold = breakage.predictions(own)
   if #predicted == 0 then return nil end
   local found, before = compare.label_bias(predicted, gold), compare.label_bias(breakage.predictions(base))
   local biased = found.status == "flag" and found.share > before.share + 0.1 -- ten points more of one label
                  or found.recall_spread > before.recall_spread + 0.10
   return { id = "F14", title = "one label too often", count = math.floor(found.share * #predicted + 0.5),
            items = #predicted, base_count = math.floor(before.share * #predicted + 0.5), base_items = #predicted,
            status = biased and "flag" or "ok" }
end

-- The extracted and the right answers. Nil if the task extracts no answers: an output has neither `extracted` nor `no_answer`.
local function extracted(result)
   local answers, golds = {}, {}
   for i, output in ipairs(result.outputs or {}) do
      answers[i] = output.extracted or output.no_answer and "" or nil
      golds[i] = output.gold or ""
      if answers[i] == nil then return nil end
   end
   return answers, golds
end

-- F15: the same answer again and again, unless the untouched model does the same.
local function constant_row(own, base)
   local answers, golds = extracted(own)
   if not answers or #answers == 0 then return nil end
   local found, before = compare.constant_answer(answers, golds), compare.constant_answer(extracted(base))
   return { id = "F15", title = "the same answer again and again", count = math.floor(found.share * #answers + 0.5),
            items = #answers, base_count = math.floor(before.share * #answers + 0.5), base_items = #answers,
            status = found.status == "flag" and before.status ~= "flag" and "flag" or "ok" }
end

-- F17: the answers are much longer or shorter than the untouched model's.
local function length_row(own, base)
   local found = compare.length_drift(own.outputs, base.outputs)
   if not found.ratio then return nil end
   return { id = "F17", title = "another length", count = found.status == "flag" and 1 or 0, items = 1, base_items = 1,
            status = found.status, text = ("median %g tokens against %g"):format(found.median, found.base_median) }
end

-- F23: how far the answers differ from the untouched model's. It never flags a variant.
local function divergence_row(own, base)
   local found = compare.divergence(own.outputs, base.outputs)
   return { id = "F23", title = "other words than the untouched model", count = found.items - found.identical,
            items = found.items, base_items = found.items, status = "ok",
            text = found.median_first_divergence
                   and ("median likeness %.2f, first difference at token %g"):format(found.median_rouge_l, found.median_first_divergence)
                   or nil }
end

-- Some tasks grade an answer twice: strictly, which needs the asked form, and by its last number. For these tasks, returns the number
-- of answers that are right only by the last number, and the number of all answers. Nil for other tasks.
local function misformed(result)
   local strict, flexible = (result.metrics or {}).strict, (result.metrics or {}).flexible
   if not (strict and flexible) then return nil end
   local n = 0
   for i, score in ipairs(flexible.scores) do if score == 1 and strict.scores[i] == 0 then n = n + 1 end end
   return n, #flexible.scores
end

-- F16 for tasks that grade twice: if more right answers miss the asked form than with the untouched model, the variant lost the format
-- and not the mathematics.
local function format_row(own, base)
   local count, items = misformed(own)
   local base_count, base_items = misformed(base)
   if not (count and base_count) or items == 0 or base_items == 0 then return nil end
   local share, before = count / items, base_count / base_items
   return { id = "F16", title = "no answer in the asked form", count = count, items = items, base_count = base_count,
            base_items = base_items, status = share > before + 0.05 and "flag" or "ok", -- five points: the limit of F16
            text = ("right but not in the strict form: %.1f %% against %.1f %%"):format(100 * share, 100 * before) }
end

-- All rows of signs for one task and one variant.
local function rows_of(own, base)
   local rows = {}
   if own.outputs and base.outputs and #own.outputs > 0 then
      rows = compare.rates(own.outputs, base.outputs)
      rows[#rows + 1] = length_row(own, base)
      rows[#rows + 1] = divergence_row(own, base)
   end
   rows[#rows + 1] = format_row(own, base)
   rows[#rows + 1] = label_row(own, base)
   rows[#rows + 1] = constant_row(own, base)
   return rows
end

-- ---- over all tasks ------------------------------------------------------------------------------

local WORSE <const> = { ok = 1, flag = 2, invalid = 3 }

-- Adds a row to the sum of its variant and sign. Counts are added; the worst status is kept.
local function merge(found, variant, row, task)
   local key = variant .. "\0" .. row.id
   local sum = found.by[key]
   if not sum then
      sum = json.object { { "variant", variant }, { "id", row.id }, { "title", row.title or detectors.title(row.id) },
                          { "count", 0 }, { "items", 0 }, { "base_count", 0 }, { "base_items", 0 }, { "status", "ok" } }
      sum.tasks, found.by[key] = json.list {}, sum
      found.list[#found.list + 1] = sum
   end
   for _, name in ipairs { "count", "items", "base_count", "base_items" } do sum[name] = sum[name] + (row[name] or 0) end
   if WORSE[row.status] > WORSE[sum.status] then sum.status = row.status end
   if row.text then sum.text = (sum.text and sum.text .. "; " or "") .. row.text end
   sum.tasks[#sum.tasks + 1] = task
end

-- Returns one row for each variant and sign, sorted by sign. A sign of single answers has a row only if the variant or the untouched
-- model shows it.
function breakage.of_answers(run)
   local found = { by = {}, list = json.list {} }
   stored.each_task(run, function(task, base, others)
      for _, row in ipairs(others) do
         for _, sign in ipairs(rows_of(row.stage.result, base.stage.result)) do
            merge(found, row.variant.id, sign, task.id)
         end
      end
   end)
   table.sort(found.list, function(a, b)
      if a.id ~= b.id then return a.id < b.id end
      return a.variant < b.variant
   end)
   return found.list
end

-- For primary scores of right and wrong: { [task] = true if the variant's score is not clearly above a score that needs no model, else
-- false }. Clearly above means that its whole confidence interval lies above that score.
local function trivial_tasks(rows, baselines, variant_id)
   local out = {}
   for _, row in ipairs(rows) do
      if row.variant == variant_id and row.primary and row.direction ~= "lower" and row.counts.correct then
         local found = compare.at_trivial(row.counts.correct, row.counts.items, baselines(row.task, row.metric))
         out[row.task] = found.status == "flag"
      end
   end
   return out
end

-- F21 of one variant: counts the tasks on which it fell to a score that needs no model. Only tasks on which the untouched model is
-- above such scores are looked at; nil if there is none. baselines(task, metric) returns { { name, value }, ... }.
function breakage.of_scores(rows, baselines, variant_id, reference_id)
   local base, own = trivial_tasks(rows, baselines, reference_id), trivial_tasks(rows, baselines, variant_id)
   local lost, n = json.list {}, 0
   for task, trivial in pairs(own) do
      if base[task] == false then
         n = n + 1
         if trivial then lost[#lost + 1] = task end
      end
   end
   if n == 0 then return nil end
   table.sort(lost)
   return json.object { { "variant", variant_id }, { "id", "F21" }, { "title", "a score that needs no model" },
                        { "count", #lost }, { "items", n }, { "base_count", 0 }, { "base_items", n },
                        { "status", #lost > 0 and "flag" or "ok" }, { "tasks", lost } }
end

return breakage
