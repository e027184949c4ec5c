-- The part `aa_noise` of report.json: the untouched model measured twice (an A/A run). What differs between two runs of one model is
-- noise, and a difference between two models that is not larger shows nothing.
local json = require("assay.native").json

local noise = {}

-- One row for each number of each task that was measured again.
function noise.part(run)
   local out = json.list {}
   for _, variant in ipairs(run.variants) do
      for _, task in ipairs(variant.none and run.study.tasks or {}) do
         local stage = variant.repeated[task.id]
         for _, row in ipairs(stage and stage.result.rows or {}) do
            out[#out + 1] = json.object {
               { "subject", variant.subject.id }, { "task", task.id }, { "metric", row.metric }, { "items", row.items },
               { "quantity", row.quantity }, { "value", row.value }, { "unit", row.unit }, { "how", stage.result.how } }
         end
      end
   end
   return out
end

-- Whether a comparison's difference is not larger than the noise `one` (a row of noise.part). Both are compared on one scale:
-- logarithms for ratios, shares of items for right and wrong, else the unit of the metric.
local function is_below(row, one)
   local p = row.paired
   local size = p.quantity == "ratio" and math.abs(math.log(p.estimate))
                or p.lost and (p.lost + p.gained) / row.counts.items or math.abs(p.estimate)
   return size <= (one.unit == "count" and one.value / one.items or one.value)
end

local function with_mark(row, mark)
   local copy = {}
   for key, value in pairs(row) do copy[key] = value end
   copy.below_noise = mark
   return copy
end

-- Returns the rows of results/comparisons.lua. A row gets `below_noise` (true or false) if two runs of the untouched model differ
-- in the row's metric.
function noise.marked(rows, aa_noise)
   local of, out = {}, {}
   for _, one in ipairs(aa_noise) do
      if one.value > 0 then of[one.subject .. "\0" .. one.task .. "\0" .. one.metric] = one end
   end
   for i, row in ipairs(rows) do
      local one = row.paired and of[row.subject .. "\0" .. row.task .. "\0" .. row.metric]
      out[i] = one and with_mark(row, is_below(row, one)) or row
   end
   return out
end

-- { [item id] = whether the untouched variant gave the same answer word for word }, for the items that were asked twice.
function noise.stable(variant, task)
   local stage = variant.repeated[task.id]
   local stable = stage and stage.result.stable
   return type(stable) == "table" and stable or {}
end

return noise
