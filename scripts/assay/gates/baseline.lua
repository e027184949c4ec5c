-- Gate P8: the untouched model does better than guessing on every task. A task where it does not is excluded, because
-- nothing can be compared there; the other results of the subject (the model under study) stay valid.
local detectors = require "assay.detectors"
local listing = require "assay.gates.listing"

local gate = {
   id = "P8", title = "the untouched model is above trivial scores", severity = "flag", scope = "subject",
   failed = "the untouched model does not do better than guessing: nothing can be compared on that task",
}

-- Returns the first baseline (a score that needs no model) that lies at or above the low end of the interval of a row's score, so that
-- the two cannot be told apart; nil if there is none. baselines: { { name, value }, ... }.
local function reached(row, baselines)
   if row.counts.correct then
      local found = detectors.compare.at_trivial(row.counts.correct, row.counts.items, baselines)
      return found.status == "flag" and { name = found.baseline, value = found.value } or nil
   end
   local low = row.interval and row.interval.low or row.value
   for _, one in ipairs(baselines) do if one.value >= low then return one end end
end

-- The primary results of an untouched model that are no better than guessing: { { task, value, baseline }, ... }, and the number of
-- results that were compared. Only shares of right answers are compared.
local function trivial_rows(facts, variant_id)
   local out, compared = {}, 0
   for _, row in ipairs(facts.rows) do
      if row.variant == variant_id and row.primary and row.direction ~= "lower" and row.unit == "fraction" and row.value then
         compared = compared + 1
         local found = reached(row, facts.baselines(row.task, row.metric))
         if found then out[#out + 1] = { task = row.task, value = row.value, baseline = found } end
      end
   end
   return out, compared
end

function gate.check(facts, variant)
   local found, compared = trivial_rows(facts, variant.id)
   if compared == 0 then return "not_run", "no task with a trivial score" end
   if #found == 0 then return "pass", ("%d tasks above their trivial scores"):format(compared) end
   local texts = {}
   for i, one in ipairs(found) do
      texts[i] = ("%s %.1f %% against %s %.1f %%"):format(one.task, 100 * one.value, one.baseline.name, 100 * one.baseline.value)
   end
   return "fail", listing(texts)
end

-- Pairs of subject and task that the gate excludes: { { subject, task }, ... }, sorted by both.
function gate.excluded(facts)
   local out, seen = {}, {}
   for _, variant in ipairs(facts.run.variants) do
      for _, one in ipairs(variant.none and trivial_rows(facts, variant.id) or {}) do
         local key = variant.subject.id .. "\0" .. one.task
         if not seen[key] then out[#out + 1] = { subject = variant.subject.id, task = one.task, key = key } end
         seen[key] = true
      end
   end
   table.sort(out, function(a, b) return a.key < b.key end)
   return out
end

return gate
