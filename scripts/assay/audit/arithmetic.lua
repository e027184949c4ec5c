-- Guardrails G12 to G17, G21 and G26 check derived numbers: percentages of percentages, averages, rounding, units, sums.
-- counts.lua checks the scores from which these numbers are derived. A claim is a statement of a transcribed report (TRANSCRIBING.md).

local collect = require("assay.audit.context").collect
local show = require("assay.audit.context").show
local verdict = require("assay.audit.context").verdict
local unless_claimed = require("assay.audit.context").unless_claimed

-- Whether a displayed number equals the number computed from its parts, up to `tolerance`; 1e-9 is added for the rounding of floats.
local function agrees(displayed, computed, tolerance) return math.abs(displayed - computed) <= tolerance + 1e-9 end

-- Applies test(claim) to the claims of one kind; test returns whether the claim breaks the rule, and optionally a text that replaces
-- the claim's own. Returns the texts of the claims that break the rule, and the number of claims checked.
local function each_claim(c, kind, test)
   return collect(c:claims_of(kind), function(claim)
      local bad, text = test(claim)
      return bad and true or false, text or claim.text
   end)
end

return {
   { id = "G12", severity = "block", title = "no relative percentages of proportions",
      message = "a percentage of a percentage makes small differences look large; give differences of proportions in percentage points",
      check = function(c) return unless_claimed(each_claim(c, "relative", function() return true end)) end },
   { id = "G13", severity = "flag", title = "derived numbers from unrounded counts",
      message = "a derived number does not follow from the counts it rests on",
      check = function(c)
         return unless_claimed(collect(c.claims, function(claim)
            local from = claim.from_counts
            if not (from and claim.value) then return nil end
            local exact = (from.k / from.n) / (from.base_k / from.base_n)
            return not agrees(100 * claim.value, 100 * exact, 0.05),
               string.format("%s: the counts give %.1f %%", claim.text, 100 * exact)
         end))
      end },
   { id = "G14", severity = "block", title = "averages of like with like",
      message = "an average over tasks that move in opposite directions, or over invalid tasks, hides what each task shows",
      check = function(c)
         return unless_claimed(each_claim(c, "average", function(claim)
            local up, down = 0, 0
            for _, part in ipairs(claim.parts or {}) do
               if part > 0 then up = up + 1 elseif part < 0 then down = down + 1 end
            end
            return up > 0 and down > 0 or claim.mixed_units or claim.invalid_members
         end))
      end },
   { id = "G15", severity = "block", title = "one scale per kind of number",
      message = "fractions printed as percentages next to true percentages",
      check = function(c)
         local offenders, checked = {}, 0
         for _, result in ipairs(c.results) do
            if result.displayed_unit and result.displayed then
               checked = checked + 1
               for _, other in ipairs(c.results) do
                  -- a ratio near 100 between two numbers of one task: one is a fraction, the other a percentage
                  if other.variant == result.variant and other.task == result.task and other ~= result and other.displayed
                     and other.displayed_unit == result.displayed_unit and result.displayed > 0
                     and other.displayed / result.displayed > 50 and other.displayed / result.displayed < 200 then
                     offenders[#offenders + 1] = string.format("%s %s: %s %g %% beside %s %g %%", result.variant,
                        result.task,
                        other.metric, other.displayed, result.metric, result.displayed)
                  end
               end
            end
         end
         return unless_claimed(offenders, checked)
      end },
   { id = "G16", severity = "block", title = "the declared metric is the reported one",
      message = "a metric other than the declared one was reported",
      check = function(c)
         local offenders, checked = {}, 0
         for task, metric in pairs(c.declared.metrics or {}) do
            checked = checked + 1
            local found
            for _, result in ipairs(c.results) do
               if result.task == task and result.metric == metric then found = true end
            end
            local measured = c:result((c.variants[1] or {}).id, task)
            if not found and measured then
               offenders[#offenders + 1] = task .. ": " .. metric .. " was declared, " .. measured.metric .. " is reported"
            end
         end
         table.sort(offenders)
         return verdict(offenders, math.max(checked, #(c.study.primary or {})), "no metric was declared")
      end },
   { id = "G17", severity = "flag", title = "ties are ties",
      message = "a tie was given to one side, or wins were counted over metrics that depend on each other",
      check = function(c)
         local offenders, winners = each_claim(c, "winner", function(claim) return claim.a == claim.b
            and claim.winner ~= "tie" end)
         local rates, n = each_claim(c, "win_rate", function() return true end)
         table.move(rates, 1, #rates, #offenders + 1, offenders)
         return unless_claimed(offenders, winners + n)
      end },
   { id = "G21", severity = "flag", title = "differences agree with what is shown",
      message = "the difference printed is not the difference of the numbers printed",
      check = function(c)
         return unless_claimed(collect(c.claims, function(claim)
            local a, b, delta = claim.displayed_a, claim.displayed_b, claim.displayed_delta
            if not (a and b and delta) then return nil end
            return not agrees(delta, a - b, 1e-6),
               string.format("%s: %g less %g is %.4g, not %g", claim.text, a, b, a - b, delta)
         end))
      end },
   { id = "G26", severity = "block", title = "totals are sums",
      message = "an overall score that is not the number of all right answers divided by the number of all items",
      check = function(c)
         local offenders, checked = {}, 0
         for _, total in ipairs(c.results) do
            if (c.task[total.task] or {}).aggregate and total.value then
               local k, n = 0, 0
               for _, result in ipairs(c.results) do
                  local counts = result.counts or {}
                  if result.variant == total.variant and not (c.task[result.task] or {}).aggregate and not result.subset
                     and counts.items and counts.correct then
                     k, n = k + counts.correct, n + counts.items
                  end
               end
               if n > 0 then
                  checked = checked + 1
                  if not agrees(100 * total.value, 100 * k / n, 0.05) then
                     offenders[#offenders + 1] = string.format("%s: the parts give %d/%d", show(total), k, n)
                  end
               end
            end
         end
         return unless_claimed(offenders, checked)
      end },
}
