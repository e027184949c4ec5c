-- Detectors of broken output, F01 to F23, and the rule that calls a variant collapsed.
-- Not the guardrails on reports (assay.audit), which read what is found here.

local compare = require "assay.detectors.compare"
local sample = require "assay.detectors.sample"

local detectors = { sample = sample.run, compare = compare }

function detectors.title(id)
   for _, detector in ipairs(sample.detectors) do if detector[1] == id then return detector[2] end end
end

-- facts: { rates = compare.rates(...), kld_mean, ppl_ratio, tasks_at_trivial, base_tasks_above }.
-- Returns the reasons, an empty list if the variant stands.
function detectors.collapse(facts)
   local reasons = {}
   for _, row in ipairs(facts.rates or {}) do
      if row.status == "invalid" then
         reasons[#reasons + 1] = string.format("%s: %s in %d of %d answers", row.id, row.title, row.count, row.items)
      end
   end
   if facts.kld_mean and facts.kld_mean > 2 then
      reasons[#reasons + 1] = string.format("divergence of %.2f nats from the untouched model", facts.kld_mean)
   end
   if facts.ppl_ratio and facts.ppl_ratio > 3 then
      reasons[#reasons + 1] = string.format("perplexity %.1f times the untouched model's", facts.ppl_ratio)
   end
   if (facts.tasks_at_trivial or 0) >= 2 then
      reasons[#reasons + 1] = facts.tasks_at_trivial
         .. " tasks at their trivial score while the untouched model is above"
   end
   return reasons
end

return detectors
