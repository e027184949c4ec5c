-- Gate COLLAPSE: the variant is not broken as a whole. A collapsed variant gets one diagnosis instead of a verdict for each task.
local detectors = require "assay.detectors"

local gate = {
   id = "COLLAPSE", title = "the variant is not collapsed", severity = "block", scope = "variant",
   failed = "a collapsed variant gets no verdict per task, only this diagnosis",
}

-- The reasons why a variant counts as collapsed, by the rule of detectors.collapse; an empty list if it does not. If a study measured
-- several distances or perplexity ratios, the largest is used.
function gate.reasons(facts, variant_id)
   local found = { rates = {}, tasks_at_trivial = 0 }
   for _, row in ipairs(facts.signs) do
      if row.variant == variant_id then
         found.rates[#found.rates + 1] = row
         if row.id == "F21" then found.tasks_at_trivial = row.count end
      end
   end
   for _, row in ipairs(facts.distance) do
      if row.variant == variant_id then found.kld_mean = math.max(found.kld_mean or 0, row.kld_mean) end
   end
   for _, row in ipairs(facts.rows) do
      if row.variant == variant_id and row.paired and row.paired.quantity == "ratio" then
         found.ppl_ratio = math.max(found.ppl_ratio or 0, row.paired.estimate)
      end
   end
   return detectors.collapse(found)
end

function gate.check(facts, variant_id)
   local reasons = gate.reasons(facts, variant_id)
   return #reasons > 0 and "fail" or "pass", #reasons > 0 and table.concat(reasons, "; ") or "none of the signs"
end

return gate
