-- Finds signs of broken output (F01 to F23) and decides whether a variant counts as collapsed, which means broken as a whole.
-- The guardrails on reports (assay.audit) read the counts that are made here.

local compare = require "assay.detectors.compare"
local sample = require "assay.detectors.sample"

local detectors = { sample = sample.run, compare = compare }

-- Names of the signs of whole sets, which compare.lua finds; those of single answers are in sample.lua.
local SET_NAMES <const> = { F14 = "label_bias", F15 = "constant_answer", F17 = "length_drift", F20 = "equal_variants",
                            F21 = "trivial_score", F23 = "divergence" }

local function by_id(id)
   for _, detector in ipairs(sample.detectors) do if detector.id == id then return detector end end
end

-- "loop at the end" for F05; nil for a sign of a whole set.
function detectors.title(id)
   local detector = by_id(id)
   return detector and detector.title
end

-- "loop_at_end" for F05; nil for an unknown id.
function detectors.name(id)
   local detector = by_id(id)
   return detector and detector.name or SET_NAMES[id]
end

-- Mean KL divergence from the untouched model in nats per token. The 4-bit variants of the studies here are below 0.4. At 2 nats
-- a variant gives the tokens of the untouched model's text, on average, about a seventh (exp(-2)) of their probability.
local COLLAPSED_KLD <const> = 2
-- Perplexity divided by the untouched model's. A variant that is as unsure as if it had three times as many next tokens to choose from
-- is of no use.
local COLLAPSED_RATIO <const> = 3
local COLLAPSED_TASKS <const> = 2 -- tasks at a trivial score (one that needs no model); a single one may have a faulty prompt

-- facts: { rates = compare.rates(...), kld_mean, ppl_ratio, tasks_at_trivial = number of tasks }, each optional.
-- Returns the reasons why the variant counts as collapsed; an empty list if it does not.
function detectors.collapse(facts)
   local reasons = {}
   for _, row in ipairs(facts.rates or {}) do
      if row.status == "invalid" then
         reasons[#reasons + 1] = string.format("%s: %s in %d of %d answers", row.id, row.title, row.count, row.items)
      end
   end
   if facts.kld_mean and facts.kld_mean > COLLAPSED_KLD then
      reasons[#reasons + 1] = string.format("divergence of %.2f nats from the untouched model", facts.kld_mean)
   end
   if facts.ppl_ratio and facts.ppl_ratio > COLLAPSED_RATIO then
      reasons[#reasons + 1] = string.format("perplexity %.1f times the untouched model's", facts.ppl_ratio)
   end
   if (facts.tasks_at_trivial or 0) >= COLLAPSED_TASKS then
      reasons[#reasons + 1] = facts.tasks_at_trivial
         .. " tasks at their trivial score while the untouched model is above"
   end
   return reasons
end

return detectors
