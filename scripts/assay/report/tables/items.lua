-- Tables of comparisons item by item: answers that changed, and whether a tuned model loses more than its base.
local format = require "assay.report.format"
local words = require "assay.report.words"

local tables = {}

-- How many answers changed. The items are sorted by how sure the untouched model was, and divided into four quarters.
function tables.changed(v)
   local rows = {}
   for _, one in ipairs(v.report.changed_answers or {}) do
      local row, n, changed = { v:label(one.variant), (v.task[one.task] or {}).title or one.task, "" }, 0, 0
      for i, part in ipairs(one.quarters) do
         n, changed = n + part.items, changed + part.changed
         row[3 + i] = part.changed .. " of " .. part.items .. "\n" .. ("%.2f to %.2f nats"):format(part.from, part.to)
      end
      row[3] = changed .. " of " .. n
      rows[#rows + 1] = row
   end
   if #rows == 0 then return end
   return { hint = "How many answers changed, whether they were right or wrong. The items are sorted by how sure the untouched "
      .. "model was, that is by how far its first choice led its second, and divided into four quarters. "
      .. "Rounding changes undecided answers; changes in the surest quarter are damage.",
      headers = { "variant", "task", "changed", "least sure quarter", "second", "third", "surest quarter" }, rows = rows, numeric = 3 }
end

-- For each recipe: the change of the second subject minus the change of the first, over the same items.
function tables.interaction(v)
   local rows = {}
   for _, one in ipairs(v.report.interaction or {}) do
      local half = (one.high - one.low) / 2
      local finding = one.low > 0 and "differs" or one.high < 0 and "differs" or "not resolved"
      rows[#rows + 1] = { one.label, (v.task[one.task] or {}).title or one.task, words.metric(one.metric),
         format.signed(one.estimate, format.decimals_for(half)) .. " " .. one.unit, format.range(one.low, one.high, 1, true),
         finding }
   end
   if #rows == 0 then return end
   local one = v.report.interaction[1]
   return { hint = ("Change of %s minus change of %s, item by item: does the second lose more than the first? %s")
      :format(one.second, one.first, one.method),
      headers = { "recipe", "task", "metric", "difference of the changes", "95 % interval", "" }, rows = rows, numeric = 4 }
end

return tables
