-- The part `sensitivity` of report.json: how far a result depends on the calibration. It shows side by side the variants of one
-- recipe that differ only in their calibration. assay.sweep makes such variants, and so do recipes with a calibration of their own.
local json = require("assay.native").json
local without_nulls = require "assay.lib.without_nulls"

-- The name of a row: the calibration without its seed, so that seeds of one calibration share a row.
local function label_of(calibration)
   local name = ("%d sequences of %s"):format(calibration.sequences, calibration.source)
   return calibration.template and name .. ", " .. calibration.template or name
end

-- { [variant id] = { value, task } } for variants with a primary perplexity; of several tasks the first counts.
local function perplexities(report)
   local out = {}
   for _, result in ipairs(report.results or {}) do
      if result.unit == "ppl" and result.primary and result.value and not out[result.variant] then
         out[result.variant] = { value = result.value, task = result.task }
      end
   end
   return out
end

-- The calibrated variants grouped by subject and recipe: { { label, task, { calibration, value }, ... }, ... }. recipe_keys: each
-- variant's recipe as a text.
local function recipes_of(report, recipe_keys)
   local calibrations, order, found = {}, {}, {}
   for _, one in ipairs(report.calibrations or {}) do calibrations[one.id] = one end
   local values = perplexities(report)
   for i, variant in ipairs(report.variants or {}) do
      local calibration, value = calibrations[variant.calibration], values[variant.id]
      if calibration and value and variant.recipe then
         local key = variant.subject .. "\0" .. recipe_keys[i]
         if not found[key] then
            found[key] = { label = variant.label, task = value.task }
            order[#order + 1] = found[key]
         end
         table.insert(found[key], { calibration = calibration, value = value.value })
      end
   end
   return order
end

-- One row for each calibration with the values of its seeds, sorted by the number of sequences.
local function rows_of(recipe)
   local rows, place = json.list {}, {}
   for _, one in ipairs(recipe) do
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

-- Returns the list for report.json. It is empty if no recipe was run with two calibrations.
return function(given)
   local recipe_keys, titles, out = {}, {}, json.list {}
   for i, variant in ipairs(given.variants or {}) do
      recipe_keys[i] = variant.recipe and json.encode(variant.recipe, { canonical = true })
   end
   local report = without_nulls { variants = given.variants, results = given.results, calibrations = given.calibrations,
                                  tasks = given.tasks }
   for _, task in ipairs(report.tasks or {}) do titles[task.id] = task.title end
   for _, recipe in ipairs(recipes_of(report, recipe_keys)) do
      if #recipe > 1 then
         out[#out + 1] = json.object {
            { "title", recipe.label .. " over calibrations" }, { "unit", "ppl" }, { "task", recipe.task },
            { "rows", rows_of(recipe) }, { "note", ("%s; one dot for each seed."):format(titles[recipe.task] or recipe.task) } }
      end
   end
   return out
end
