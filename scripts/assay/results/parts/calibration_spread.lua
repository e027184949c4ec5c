-- How far a result depends on the calibration: variants of one recipe that differ in nothing else, side by side. Made from
-- report.json alone. Not a measurement of its own: a study brings such variants by assay.sweep or by recipes of its own.
local native = require "assay.native"
local json = native.json

local function given(value) return value ~= nil and value ~= json.null end

-- What a row stands for: the calibration without its seed.
local function label_of(calibration)
   local name = ("%d sequences of %s"):format(calibration.sequences, calibration.source)
   return given(calibration.template) and name .. ", " .. calibration.template or name
end

-- Variants by subject and recipe: { label, { calibration, value }, ... } where a task's primary perplexity was measured.
local function families(report)
   local calibrations, values, order, found = {}, {}, {}, {}
   for _, one in ipairs(report.calibrations or {}) do calibrations[one.id] = one end
   for _, result in ipairs(report.results or {}) do
      if result.unit == "ppl" and result.primary and given(result.value) and not values[result.variant] then
         values[result.variant] = { value = result.value, task = result.task }
      end
   end
   for _, variant in ipairs(report.variants or {}) do
      local calibration, value = calibrations[variant.calibration], values[variant.id]
      if calibration and value and given(variant.recipe) then
         local key = variant.subject .. "\0" .. json.encode(variant.recipe, { canonical = true })
         if not found[key] then
            found[key] = { label = variant.label, task = value.task }
            order[#order + 1] = found[key]
         end
         table.insert(found[key], { calibration = calibration, value = value.value })
      end
   end
   return order
end

local function rows_of(family)
   local rows, place = json.list {}, {}
   for _, one in ipairs(family) do
      local label = label_of(one.calibration)
      if not place[label] then
         rows[#rows + 1] = json.object { { "label", label }, { "sequences", one.calibration.sequences },
                                         { "values", json.list {} } }
         place[label] = rows[#rows]
      end
      table.insert(place[label].values, one.value)
   end
   table.sort(rows, function(a, b)
      if a.sequences ~= b.sequences then return a.sequences < b.sequences end
      return a.label < b.label
   end)
   return rows
end

-- The list for report.json; empty where no recipe has two calibrations.
return function(report)
   local out, titles = json.list {}, {}
   for _, task in ipairs(report.tasks or {}) do titles[task.id] = task.title end
   for _, family in ipairs(families(report)) do
      if #family > 1 then
         out[#out + 1] = json.object {
            { "title", family.label .. " over calibrations" }, { "unit", "ppl" }, { "task", family.task },
            { "rows", rows_of(family) }, { "note", ("%s; one dot for each seed."):format(titles[family.task] or family.task) } }
      end
   end
   return out
end
