-- The card at the top of a report: one line for each variant, and how many validity checks passed.
local format = require "assay.report.format"
local results = require "assay.report.view.results"
local words = require "assay.report.words"

local verdicts = {}

-- A variant's size as a multiple of the untouched variant's; nil if one of the two sizes is unknown.
local function ratio_to_reference(self, variant)
   local reference = self.variant[variant.subject .. "/none"]
   if not reference or reference == variant or not reference.bytes_on_disk or not variant.bytes_on_disk then return end
   return variant.bytes_on_disk / reference.bytes_on_disk
end

-- Shortens a reason for the card, since a reason can list every layer. report.csv has the whole text.
local function shortened(text)
   if not text or #text <= 260 then return text end
   local cut = text:sub(1, 240)
   while not utf8.len(cut) do cut = cut:sub(1, -2) end
   return cut .. " …"
end

-- The result from which a variant's verdict follows: the result for the first metric in the verdict's `because`. Nil if there is none.
function verdicts:deciding_result(variant_id)
   local judged = self.verdict_of[variant_id]
   local because = judged and judged.because and judged.because[1]
   for _, group in ipairs(because and self:groups() or {}) do
      if group.task.id == because.task and group.metric == because.metric then
         return results.result_of(group, variant_id)
      end
   end
end

-- One row for each variant: { id, label, verdict, tone, short, finding, size }. finding: a sentence with the numbers.
function verdicts:card()
   local headline, rows = self:headline(), {}
   for _, variant in ipairs(self.report.variants) do
      local result = results.result_of(headline, variant.id)
      local judged = self.verdict_of[variant.id]
      local verdict = judged and judged.verdict or result and result.verdict or "not_run"
      result = self:deciding_result(variant.id) or result
      local size = {}
      if variant.bits_per_weight then
         size[#size + 1] = format.fixed(variant.bits_per_weight, 2) .. " bits per weight"
      end
      if variant.bytes_on_disk then
         local ratio = ratio_to_reference(self, variant)
         size[#size + 1] = format.bytes(variant.bytes_on_disk) .. (ratio and " (" .. format.significant(ratio, 2) .. "×)"
            or "")
      end
      local broken = variant.collapsed and #variant.collapsed > 0 and "collapsed; " .. table.concat(variant.collapsed, "; ")
      rows[#rows + 1] = { id = variant.id, label = self:label(variant.id), verdict = verdict,
         tone = words.tone(verdict, result), short = words.short(verdict, result),
         finding = broken or result and words.finding(result, self:margin(result.task, result.metric)) or shortened(variant.reason) or "not measured",
         size = table.concat(size, ", ") }
   end
   return rows
end

-- Counts the gates (checks of validity) by status: { pass, fail, not_run, blocked = failed ones of severity "block", total }.
function verdicts:gate_summary()
   local counts = { pass = 0, fail = 0, not_run = 0, blocked = 0 }
   for _, gate in ipairs(self.report.gates) do
      counts[gate.status] = (counts[gate.status] or 0) + 1
      if gate.status == "fail" and gate.severity == "block" then counts.blocked = counts.blocked + 1 end
   end
   counts.total = #self.report.gates
   return counts
end

-- "62 of 63 validity checks passed, 1 failed (1 blocking)"
function verdicts:gate_sentence()
   local counts = self:gate_summary()
   if counts.total == 0 then return "No validity checks were recorded" end
   local text = counts.pass .. " of " .. counts.total .. " validity checks passed"
   if counts.fail > 0 then
      text = text .. ", " .. counts.fail .. " failed" .. (counts.blocked > 0 and " (" .. counts.blocked .. " blocking)"
         or "")
   end
   if counts.not_run > 0 then text = text .. ", " .. counts.not_run .. " not run" end
   return text
end

return verdicts
