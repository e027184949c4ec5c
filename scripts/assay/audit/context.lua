-- Gives the guardrails access to a report: finds variants and results by id, the untouched model of a variant, and
-- trivial scores (those that need no model, such as guessing). Also turns what a check found into its result. The
-- report itself is not changed.

local stats = require("assay.native").stats
local without_nulls = require "assay.lib.without_nulls"

local context = {}
context.__index = context

local LISTS <const> = { "subjects", "variants", "tasks", "results", "calibrations", "gates", "ledger", "claims",
   "resources", "detectors", "distance", "aa_noise", "generations", "verdicts", "interaction" }

-- Makes the context from a decoded report.json. Lists that the report lacks are empty.
function context.open(report)
   local self = setmetatable({ report = without_nulls(report) }, context)
   for _, name in ipairs(LISTS) do self[name] = self.report[name] or {} end
   self.study = self.report.study or {}
   self.declared = self.study.declared or {}
   self.environment = self.report.environment or {}
   self.lines = (self.report.document or {}).lines or {}
   self.transcribed = self.report.transcribed ~= nil
   self.variant, self.task = {}, {}
   for _, variant in ipairs(self.variants) do self.variant[variant.id] = variant end
   for _, task in ipairs(self.tasks) do self.task[task.id] = task end
   return self
end

-- The untouched variant of the same subject, or nil.
function context:reference_of(variant)
   for _, other in ipairs(self.variants) do
      if other.subject == variant.subject and not other.recipe then return other end
   end
end

-- The first result of a variant on a whole task (no subset), of this metric or of any; nil if there is none.
function context:result(variant_id, task_id, metric)
   for _, result in ipairs(self.results) do
      if result.variant == variant_id and result.task == task_id and (not metric or result.metric == metric)
         and not result.subset then
         return result
      end
   end
end

-- Whether gate P8 excluded the task for a subject, because the untouched model is at its trivial score there.
function context:excluded(subject, task_id)
   for _, one in ipairs(self.report.excluded or {}) do
      if one.subject == subject and one.task == task_id then return true end
   end
   return false
end

function context:resource(variant_id)
   for _, resource in ipairs(self.resources) do if resource.variant == variant_id then return resource end end
end

-- Returns the value and the name of the highest score that needs no model, such as guessing. Only for
-- metrics where higher is better.
function context:trivial(task_id, metric)
   local best, name
   for _, baseline in ipairs((self.task[task_id] or {}).baselines or {}) do
      if baseline.value and (not metric or not baseline.metric or baseline.metric == metric)
         and (not best or baseline.value > best) then
         best, name = baseline.value, baseline.name
      end
   end
   return best, name
end

function context.is_proportion(result) return result.unit == "fraction" end

-- Whether a score is below the trivial score or cannot be distinguished from it, because its Wilson interval (the confidence
-- interval of a proportion) contains that score. Without counts the two values are compared. Also returns the trivial
-- score's name and value. Returns nil if the trivial score or the value is absent, or if lower values are better.
function context:at_or_below_trivial(result)
   local trivial, name = self:trivial(result.task, result.metric)
   local counts = result.counts or {}
   if not trivial or not result.value or result.direction == "lower" then return nil end
   if counts.correct and counts.items then
      return stats.wilson(counts.correct, counts.items).low <= trivial, name, trivial
   end
   return result.value <= trivial, name, trivial
end

-- Returns { { result, base, variant }, ... }: each result of a quantized variant on a whole task (no subset), with the result of the
-- untouched model (base) on the same task and metric.
function context:pairs()
   local out = {}
   for _, result in ipairs(self.results) do
      local variant = self.variant[result.variant]
      if variant and variant.recipe then
         local reference = self:reference_of(variant)
         local base = reference and self:result(reference.id, result.task, result.metric)
         if base and not result.subset then out[#out + 1] = { result = result, base = base, variant = variant } end
      end
   end
   return out
end

function context:claims_of(kind)
   local out = {}
   for _, claim in ipairs(self.claims) do if claim.kind == kind then out[#out + 1] = claim end end
   return out
end

function context.percent(fraction)
   local text = string.format("%.1f", 100 * fraction):gsub("%.0$", "")
   return text .. " %"
end

-- Variant, task and score as a text: "base/awq arc 0/20", or without counts "base/awq arc 0 %".
function context.show(result)
   local counts = result.counts or {}
   local score = counts.correct and counts.correct .. "/" .. counts.items
      or result.unit == "fraction" and context.percent(result.value) or tostring(result.value)
   return result.variant .. " " .. result.task .. " " .. score
end

-- The first three texts of a list, and how many more there are.
function context.some(list)
   if #list <= 3 then return table.concat(list, "; ") end
   return table.concat(list, "; ", 1, 3) .. string.format("; and %d more", #list - 3)
end

-- Applies a test to the rows of a list. test(row) returns nil if there is nothing to check, else whether the row
-- breaks the rule and a text that describes it. Returns the texts of the rows that break the rule and the number of
-- rows that were checked.
function context.collect(list, test)
   local offenders, checked = {}, 0
   for _, row in ipairs(list) do
      local bad, text = test(row)
      if bad ~= nil then checked = checked + 1 end
      if bad then offenders[#offenders + 1] = text end
   end
   return offenders, checked
end

-- Turns what a check found into its result: status, evidence, scopes. offenders: texts of the places that break the rule; checked:
-- number of places looked at; missing: what the report lacks if this number is 0; scopes: ids of the variants that break the rule,
-- nil if the fault concerns the whole study.
function context.verdict(offenders, checked, missing, scopes)
   if #offenders > 0 then return "fired", context.some(offenders), scopes end
   if checked == 0 then return "unknown", missing end
   return "passed", checked .. " checked"
end

-- Like context.verdict, for checks of claims: a report that makes no claim of this kind passes.
function context.unless_claimed(offenders, checked)
   if #offenders == 0 and checked == 0 then return "passed", "nothing of the kind is claimed" end
   return context.verdict(offenders, checked)
end

return context
