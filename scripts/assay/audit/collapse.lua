-- Guardrails G07 to G11 and G39 look for broken models: identical variants, garbage, answers cut off, broken baselines, and scores
-- given as a share of a broken baseline. G08 and G09 read how many answers show a sign of broken output, such as F01
-- (numbers that are not finite). The detectors (assay.detectors) count these signs.

local show = require("assay.audit.context").show
local some = require("assay.audit.context").some
local percent = require("assay.audit.context").percent
local verdict = require("assay.audit.context").verdict
local unless_claimed = require("assay.audit.context").unless_claimed

-- Returns all scores of a variant as one string, so that two variants can be compared by it, and the number of these scores.
local function signature(c, variant)
   local parts = {}
   for _, result in ipairs(c.results) do
      if result.variant == variant.id and result.value and not result.subset
         and not (c.task[result.task] or {}).aggregate then
         parts[#parts + 1] = result.task .. " " .. result.metric .. " " .. string.format("%.6g", result.value)
      end
   end
   table.sort(parts)
   return table.concat(parts, ", "), #parts
end

local function has_zero_score(c, variant)
   return (signature(c, variant) .. ","):find(" 0,", 1, true) ~= nil
end

local function quantized(c)
   local out = {}
   for _, variant in ipairs(c.variants) do if variant.recipe then out[#out + 1] = variant end end
   return out
end

-- Returns the number of results (task and metric) in which a variant is not above the trivial score (one that needs no
-- model, such as guessing), but its reference is.
local function lost_tasks(c, variant)
   local lost = 0
   for _, pair in ipairs(c:pairs()) do
      if pair.variant == variant and c:at_or_below_trivial(pair.result)
         and c:at_or_below_trivial(pair.base) == false then
         lost = lost + 1
      end
   end
   return lost
end

-- Returns the mean tokens of an answer divided by the untouched model's, then both means; nil if one is unknown.
local function length_ratio(c, variant)
   local reference = c:reference_of(variant)
   local own, base = c:resource(variant.id), reference and c:resource(reference.id)
   if not (own and base and own.tokens_per_item and base.tokens_per_item) then return nil end
   return own.tokens_per_item / base.tokens_per_item, own.tokens_per_item, base.tokens_per_item
end

-- Whether a detector's row makes its variant unusable. The study's own judgement (status) counts. If the row has none,
-- the variant is unusable if more than half of its answers show the sign, or for F01 if any answer does.
local function condemned(row)
   if row.status then return row.status == "invalid" end
   return row.count > 0 and (row.id == "F01" or row.count / math.max(1, row.items or 1) > 0.5)
end

local FEW_ANSWERS <const> = 100 -- the mean length of fewer answers varies too much for the usual limits

-- The signs of garbage (G08): numbers that are not finite, a loop at the end, one token in most of the answer.
local FATAL <const> = { F01 = true, F05 = true, F11 = true }

return {
   { id = "G07", severity = "block", title = "quantized variants differ from each other",
      message = "different models or methods with equal scores on every task: probably one model was measured twice, or all are broken",
      check = function(c)
         local offenders, seen, checked = {}, {}, 0
         for _, variant in ipairs(quantized(c)) do
            local scores, n = signature(c, variant)
            local reference = c:reference_of(variant)
            if n >= 2 and (not reference or signature(c, reference) ~= scores) then
               checked = checked + 1
               if seen[scores] then offenders[#offenders + 1] = seen[scores] .. " and " .. variant.id .. ": " .. scores end
               seen[scores] = seen[scores] or variant.id
            end
         end
         for _, row in ipairs(c.report.identity or {}) do
            checked = checked + 1
            if row.identical_share > 0.95 and row.differs_from_base then
               offenders[#offenders + 1] = row.a .. " and " .. row.b .. ": " .. percent(row.identical_share)
                  .. " identical"
            end
         end
         if #offenders > 0 then return "fired", some(offenders) end
         return "passed", checked < 2 and "fewer than two variants with several scores" or checked .. " checked"
      end },
   { id = "G08", severity = "block", title = "no garbage in the output",
      message = "numbers that are not finite or loops in the text make every score of the variant meaningless",
      check = function(c)
         local offenders, checked, scopes = {}, #c.detectors, {}
         for _, row in ipairs(c.detectors) do
            if FATAL[row.id] and condemned(row) then
               scopes[#scopes + 1] = row.variant
               offenders[#offenders + 1] = row.variant .. ": " .. row.id .. " in " .. row.count .. " of "
                  .. (row.items or "?")
            end
         end
         for _, variant in ipairs(quantized(c)) do
            local ratio, own = length_ratio(c, variant)
            if ratio then checked = checked + 1 end
            -- more than three times the untouched model's length and over 256 tokens, with a lost task or a score of 0
            if ratio and ratio > 3 and own > 256 and (lost_tasks(c, variant) > 0 or has_zero_score(c, variant)) then
               scopes[#scopes + 1] = variant.id
               offenders[#offenders + 1] = string.format("%s: %.0f tokens per answer and nothing right", variant.id, own)
            end
         end
         return verdict(offenders, checked, "no detector counts and no output lengths", scopes)
      end },
   { id = "G09", severity = "block", title = "answers end and keep their length",
      message = "answers that are cut off or many times longer or shorter are another behaviour, not another precision",
      check = function(c)
         local offenders, checked, scopes = {}, 0, {}
         for _, variant in ipairs(quantized(c)) do
            local ratio, own, base = length_ratio(c, variant)
            if ratio then
               checked = checked + 1
               -- over few answers a moderate change is left to detector F17, which only flags it; a mean length above
               -- twice or below half of the untouched model's fires for any number of answers
               local few = (c:resource(variant.id).items or FEW_ANSWERS) < FEW_ANSWERS
               if ratio > (few and 2 or 1.25) or ratio < (few and 0.5 or 0.8) then
                  scopes[#scopes + 1] = variant.id
                  offenders[#offenders + 1] = string.format("%s: %.1f tokens per answer against %.1f", variant.id, own,
                     base)
               end
            end
         end
         for _, row in ipairs(c.detectors) do
            if row.id == "F02" and row.items then
               checked = checked + 1
               if condemned(row) then
                  scopes[#scopes + 1] = row.variant
                  offenders[#offenders + 1] = row.variant .. ": " .. row.count .. " of " .. row.items .. " answers cut off"
               end
            end
         end
         return verdict(offenders, checked, "no output lengths", scopes)
      end },
   { id = "G10", severity = "block", title = "baselines work",
      message = "a comparison with a broken original has no meaning",
      check = function(c)
         local offenders, checked = {}, 0
         for _, variant in ipairs(c.variants) do
            if not variant.recipe then
               local own = c:resource(variant.id)
               if own and own.tokens_per_item then
                  checked = checked + 1
                  if own.tokens_per_item < 5 then
                     offenders[#offenders + 1] = string.format("%s: %.1f tokens per answer", variant.id, own.tokens_per_item)
                  end
               end
               for _, result in ipairs(c.results) do
                  local trivial = result.variant == variant.id and result.metric ~= "ppl" and result.primary ~= false
                     and not c:excluded(variant.subject, result.task) and c:trivial(result.task, result.metric)
                  if trivial and trivial > 0 and result.value then
                     checked = checked + 1
                     if result.value < trivial then
                        offenders[#offenders + 1] = show(result) .. " is below the trivial " .. percent(trivial)
                     end
                  end
               end
            end
         end
         if checked == 0 and not c.transcribed then return "passed", "no task with a trivial score" end
         return verdict(offenders, checked, "no trivial baselines and no output lengths")
      end },
   { id = "G11", severity = "block", title = "retention only where it means something",
      message = "a retention above 105 %, below 50 % or over a baseline near its trivial score is no measure of quality",
      check = function(c)
         local offenders = {}
         for _, claim in ipairs(c:claims_of("retention")) do
            if claim.value and (claim.value > 1.05 or claim.value < 0.5) then
               offenders[#offenders + 1] = claim.text
            elseif claim.baseline_valid == false then
               offenders[#offenders + 1] = claim.text .. " (over a baseline that is not above its trivial score)"
            end
         end
         return unless_claimed(offenders, #c:claims_of("retention"))
      end },
   { id = "G39", severity = "block", title = "accuracy and distance agree",
      message = "a model scores better, but its output probabilities are far from the original's: one of the measurements is wrong",
      check = function(c)
         local offenders, checked = {}, 0
         for _, row in ipairs(c.distance) do
            for _, pair in ipairs(c:pairs()) do
               if pair.variant.id == row.variant and row.kld_mean then
                  checked = checked + 1
                  if row.kld_mean > 1 and pair.result.verdict == "better" then
                     offenders[#offenders + 1] = show(pair.result) .. string.format(" at a divergence of %.2f nats",
                        row.kld_mean)
                  end
               end
            end
         end
         return verdict(offenders, checked, "no distances were measured")
      end },
}
