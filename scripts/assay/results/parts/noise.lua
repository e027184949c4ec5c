-- The part `aa_noise` of report.json: the untouched model measured twice. What differs between two runs of one model is
-- noise, and a difference between two models that is no larger shows nothing.
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

-- Size of a difference and of the noise on the same scale: logarithms of ratios, shares of items, or the unit itself.
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

-- The rows with `below_noise` (true or false) where two runs of the untouched model differ in that metric at all.
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

-- { [item id] = true | false }: which answers of an untouched variant came out again word for word, for the items that
-- were asked twice.
function noise.stable(variant, task)
   local stage = variant.repeated[task.id]
   local stable = stage and stage.result.stable
   return type(stable) == "table" and stable or {}
end

return noise
