-- Tables of how a study was made: what was declared before the run, and every recipe as it was run.
local format = require "assay.report.format"
local words = require "assay.report.words"

local tables = {}

-- One row for each primary metric: its margin, and the smallest difference that the study can see. That difference depends on the
-- variant; the row has the largest one.
function tables.declared(v)
   local study, rows = v.report.study, {}
   for _, one in ipairs(study.primary or {}) do
      local task = v.task[one.task] or {}
      local mde
      for _, result in ipairs(v.report.results) do
         if result.task == one.task and result.metric == one.metric and result.mde
            and (not mde or result.mde.value > mde.value) then
            mde = result.mde
         end
      end
      local margin = one.unit == "ratio" and "+" .. format.plain(100 * (one.margin - 1)) .. " %"
         or format.plain(one.margin) .. " " .. one.unit
      rows[#rows + 1] = { task.title or one.task, words.metric(one.metric), margin, mde and format.mde(mde) or "" }
   end
   if #rows == 0 then return end
   local excluded = #(v.report.excluded or {})
   local without = excluded == 0 and "" or (", without the %s on which the untouched model does no better than guessing"):format(
      excluded == 1 and "task" or excluded .. " tasks")
   local how = study.preregistered and "Declared in the study file before the run" or "By default each task's first metric"
   return { hint = how .. ". Error level " .. format.plain(study.alpha or 0.05) .. ", two-sided, adjusted by "
      .. (study.multiplicity or "holm"):gsub("^%l", string.upper) .. " over all primary comparisons of the study"
      .. without .. ".",
      headers = { "task", "primary metric", "largest loss that counts as none", "smallest visible difference, at worst" },
      rows = rows, numeric = 3 }
end

-- The settings of a plugin that are single values, sorted by name: "bits = 4, group_size = 64".
local function settings_of(config)
   local keys, out = {}, {}
   for key in pairs(config or {}) do keys[#keys + 1] = key end
   table.sort(keys)
   for _, key in ipairs(keys) do
      local value = config[key]
      if type(value) ~= "table" then out[#out + 1] = key .. " = " .. tostring(value) end
   end
   return table.concat(out, ", ")
end

-- One row for each quantized variant: the transforms and the quantizer of its recipe, with their settings.
function tables.methods(v)
   local rows = {}
   for _, variant in ipairs(v.report.variants) do
      local recipe = variant.recipe
      if recipe then
         local steps = {}
         for _, transform in ipairs(recipe.transforms or {}) do
            steps[#steps + 1] = transform.id .. " (" .. settings_of(transform.config) .. ")"
         end
         local q = recipe.quantizer
         if q then steps[#steps + 1] = q.id .. " (" .. settings_of(q.config) .. ")" end
         local keep = {}
         for _, name in ipairs(recipe.keep or {}) do keep[#keep + 1] = name end
         rows[#rows + 1] = { v:label(variant.id), table.concat(steps, ", then "), #keep > 0 and table.concat(keep, ", ") or "nothing",
            variant.calibration or "none", variant.status == "ok" and "made" or (variant.status or ""):gsub("_", " ") }
      end
   end
   if #rows == 0 then return end
   return { hint = "The settings of every recipe, as it was run.", headers = { "variant", "steps", "kept untouched",
      "calibration", "" }, rows = rows }
end

return tables
