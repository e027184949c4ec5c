-- Guardrails G01 to G06 check scores and their uncertainty. arithmetic.lua checks the numbers that are derived from scores.

local show = require("assay.audit.context").show
local percent = require("assay.audit.context").percent
local verdict = require("assay.audit.context").verdict

-- Verdicts that claim nothing good about a variant. Too few items or a trivial score (one that needs no model, such as guessing)
-- cannot make them wrong.
local NO_CLAIM <const> = { inconclusive = true, invalid = true, reference = true, not_run = true }

-- The margin of a primary metric (the largest loss that counts as none) and its unit; nil for other metrics.
local function margin_of(c, result)
   for _, item in ipairs(c.study.primary or {}) do
      if item.task == result.task and item.metric == result.metric then return item.margin, item.unit end
   end
end

-- The smallest difference that n paired items show with a probability of 80 % (minimum detectable effect, mde), as a fraction. It
-- assumes that one item in ten changes between right and wrong, as is usual for 4-bit models. The two long numbers are the quantiles
-- 0.975 and 0.8 of the normal distribution.
local function usual_mde(n) return (1.959963984540054 + 0.8416212335729143) * math.sqrt(0.10 / n) end

local USUAL_MARGIN <const> = 0.03 -- fraction; the largest default margin of a task with written answers

-- Verdicts that say that nothing is lost. With any other verdict an exploratory comparison may have few items.
local SAYS_NO_LOSS <const> = { ["non-inferior"] = true, equivalent = true, tie = true }

-- Whether a result has too few items to see a difference of the size of its margin, and a text that says so. Nil if
-- that cannot be checked, or if an exploratory result does not say that nothing is lost. The report's own mde is used;
-- if there is none, the mde is estimated from the number of items.
local function too_small(c, result)
   if result.primary == false and not SAYS_NO_LOSS[result.verdict or ""] then return nil end
   local margin, unit = margin_of(c, result)
   local counts = result.counts or {}
   -- "worse" and "better" are differences that were large enough to be seen; "inconclusive" claims nothing
   if NO_CLAIM[result.verdict or ""] or result.verdict == "worse" or result.verdict == "better" then return false end
   -- a result without a margin is held to a usual one: a ratio of perplexities of 1.02 (+2 %), or 3 percentage points
   local usual = result.mde and (result.mde.unit == "ratio" and 1.02 or result.mde.unit == "pp" and 100 * USUAL_MARGIN)
   if result.mde and (margin or usual) then
      local limit = margin or usual
      if result.mde.unit == "ratio" then limit = limit - 1 end
      return result.mde.value > limit, string.format("%s: smallest visible difference %.3g, margin %.3g", show(result),
         result.mde.value, limit)
   end
   if not counts.items then return nil end
   local planned = c.declared.items_per_task
   if planned and counts.items < planned then return true, show(result) .. ": " .. planned .. " items were planned" end
   local mde = usual_mde(counts.items)
   local limit = margin and (unit == "pp" and margin / 100 or margin) or USUAL_MARGIN
   return mde > limit, string.format("%s: %d items show differences of %.0f pp or more", show(result), counts.items,
      100 * mde)
end

-- Like collect of context.lua, but test also gets the context c. An offender without a text is described by its score.
local function collect(c, results, test)
   local offenders, checked = {}, 0
   for _, result in ipairs(results) do
      local bad, text = test(c, result)
      if bad ~= nil then checked = checked + 1 end
      if bad then offenders[#offenders + 1] = text or show(result) end
   end
   return offenders, checked
end

local function proportions(c)
   local out = {}
   for _, result in ipairs(c.results) do if c.is_proportion(result)
      and result.value then out[#out + 1] = result end end
   return out
end

-- Whether a share of right items is more than three standard errors above the untouched model's; nil if that cannot be computed.
local function gain_in_errors(result, base)
   local n = (result.counts or {}).items
   if not n or not result.value or not base.value or result.direction == "lower" then return nil end
   local p, q = result.value, base.value
   local error = math.sqrt((p * (1 - p) + q * (1 - q)) / n)
   return p > q and (error == 0 or (p - q) / error > 3)
end

-- SQuAD v2 has questions with an answer (HasAns) and without (NoAns). Describes a variant that gains on one of these halves while
-- its score on the other falls below half of the untouched model's; nil for any other.
local function hidden_collapse(c, pair)
   local half = { HasAns_f1 = "NoAns_accuracy", NoAns_accuracy = "HasAns_f1" }
   local other = half[pair.result.metric]
   local own = other and c:result(pair.variant.id, pair.result.task, other)
   local base = own and c:result(pair.base.variant, pair.result.task, other)
   if not (base and own.value and base.value and pair.result.value and pair.base.value) then return nil end
   if pair.result.value > pair.base.value and base.value > 0 and own.value < 0.5 * base.value then
      return string.format("%s %s: %s up to %s, %s down to %s", pair.variant.id, pair.result.task, pair.result.metric,
         percent(pair.result.value), other, percent(own.value))
   end
end

local function is_abstention_task(task) return task.abstention ~= nil or (task.id or ""):match("squad") ~= nil end

return {
   { id = "G01", severity = "block", title = "enough items for the margin",
      message = "a difference of the size that matters could not have been seen with so few items",
      check = function(c)
         local offenders, checked = collect(c, c.results, too_small)
         return verdict(offenders, checked, "no counts and no minimum detectable effect")
      end },
   { id = "G02", severity = "block", title = "proportions as k/n with an interval",
      message = "a percentage without its count and interval says nothing about its uncertainty",
      check = function(c)
         local offenders, checked = collect(c, proportions(c), function(_, result)
            local counts = result.counts or {}
            local of_items = not result.kind or result.kind == "binary" -- a mean of graded answers has no k
            return not (result.interval and counts.items and (counts.correct or not of_items)),
               show(result) .. (result.interval and "" or ": no interval")
         end)
         if #proportions(c) == 0 then return "passed", "no proportions" end
         return verdict(offenders, checked, "")
      end },
   { id = "G03", severity = "block", title = "scores above what needs no model",
      message = "a score that guessing, abstaining or a constant answer reaches is no evidence of quality",
      check = function(c)
         local scopes = {}
         local offenders, checked = collect(c, c.results, function(context, result)
            local variant = context.variant[result.variant]
            if not variant or not variant.recipe or result.metric == "ppl" then return nil end
            if result.primary == false and result.verdict ~= "better" then return nil end -- exploration that claims nothing
            if NO_CLAIM[result.verdict or ""] or result.verdict == "worse" then return false end
            local trivial, name, value = context:at_or_below_trivial(result)
            if trivial then scopes[#scopes + 1] = variant.id end
            return trivial, trivial and show(result) .. " against " .. percent(value) .. " (" .. name .. ")"
         end)
         if checked == 0 then
            for _, result in ipairs(c.results) do
               local uniform = result.metric == "ppl" and c:trivial(result.task, "ppl")
               if uniform and result.value then
                  if result.value >= uniform then
                     offenders[#offenders + 1] = show(result) .. ": no better than uniform"
                     local variant = c.variant[result.variant]
                     -- a broken original makes all its variants invalid
                     scopes[#scopes + 1] = variant.recipe and variant.id or variant.subject
                  end
                  checked = checked + 1
               end
            end
         end
         return verdict(offenders, checked, "no task names its trivial baselines", scopes)
      end },
   { id = "G04", severity = "block", title = "abstention only by declared words",
      message = "an empty or garbled answer that counts as a correct abstention rewards a broken model",
      check = function(c)
         local offenders, checked = {}, 0
         for _, task in ipairs(c.tasks) do
            if is_abstention_task(task) then
               checked = checked + 1
               local declared = task.abstention and task.abstention.strings or (task.protocol or {}).abstentions
               if not declared or #declared == 0 then
                  offenders[#offenders + 1] = task.id .. ": no words for an abstention are declared"
               end
            end
         end
         if checked == 0 then return "passed", "no task with abstention" end
         return verdict(offenders, checked, "")
      end },
   { id = "G05", severity = "block", title = "answerable and unanswerable apart",
      message = "a gain on unanswerable questions can hide a collapse on the answerable ones",
      check = function(c)
         local offenders, checked = {}, 0
         for _, task in ipairs(c.tasks) do
            if is_abstention_task(task) then
               checked = checked + 1
               local subsets = {}
               for _, result in ipairs(c.results) do
                  if result.task == task.id then subsets[result.subset or result.metric:match "^%u%l+%u%l+" or ""] = true end
               end
               if not (subsets.HasAns and subsets.NoAns) then
                  offenders[#offenders + 1] = task.id .. ": only one number for both kinds of question"
               end
            end
         end
         local scopes = {}
         for _, pair in ipairs(#offenders == 0 and c:pairs() or {}) do
            local text = hidden_collapse(c, pair)
            if text then offenders[#offenders + 1], scopes[#scopes + 1] = text, pair.variant.id end
         end
         if checked == 0 then return "passed", "no task with abstention" end
         return verdict(offenders, checked, "", scopes)
      end },
   { id = "G06", severity = "flag", title = "gains are looked at",
      message = "a quantized model that beats its original by more than three standard errors needs its raw answers read",
      check = function(c)
         local offenders, checked = {}, 0
         for _, pair in ipairs(c:pairs()) do
            local large = gain_in_errors(pair.result, pair.base)
            if large ~= nil then checked = checked + 1 end
            if large and not pair.result.raw_outputs_reviewed then
               offenders[#offenders + 1] = show(pair.result) .. " from " .. show(pair.base)
            end
         end
         if checked == 0 and #c:pairs() > 0 then return "passed", "no counts of items" end
         return verdict(offenders, checked, "no pair of a quantized and an untouched variant")
      end },
}
