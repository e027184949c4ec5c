-- assay.sweep { assay.method.gptq, bits = 4, over = { group = { 32, 64 }, samples = { 16, 64 } }, calibration = c }:
-- the recipe at the centre (here: bits = 4, all else default), then recipes that differ from it in one setting; with `full = true`,
-- recipes of all combinations. Settings are the options of the method, and of the calibration: samples, length, seed, template.
local calibration = require "assay.data.calibration"
local fail = require "assay.lib.fail"
local methods = getmetatable(require "assay.recipe")

local of_calibration = { samples = true, length = true, seed = true, template = true }

local function copy(t)
   local out = {}
   for key, value in pairs(t) do out[key] = value end
   return out
end

-- Returns a function that makes the calibration `centre` with some settings replaced. Equal settings give the same object, so that
-- recipes share its token ids.
local function calibrations(centre)
   local made = {}
   return function(changes)
      if next(changes) == nil then return centre end
      local names = {}
      for _, key in ipairs(fail.sorted_keys(changes)) do names[#names + 1] = key .. " " .. tostring(changes[key]) end
      local name = table.concat(names, ", ")
      if not made[name] then
         local o = copy(centre.options)
         if o.ids then
            if changes.length or changes.template or changes.seed then
               fail.usage "assay.sweep: token ids have a length, a template and an order already"
            end
            local n = changes.samples or #o.ids
            o.ids = table.move(o.ids, 1, math.min(n, #o.ids), 1, {})
            o.samples, o.length, o.template = nil, nil, nil
         else
            for key, value in pairs(changes) do o[key] = value end
         end
         o.name = name
         made[name] = calibration(o)
      end
      return made[name]
   end
end

-- Returns a list of settings { option = value, ... }: first the centre (no setting), then each value of each option alone; with `full`
-- all combinations instead.
local function points_of(over, full)
   local points = { {} }
   for _, key in ipairs(fail.sorted_keys(over)) do
      local from = full and table.move(points, 1, #points, 1, {}) or { points[1] }
      if full then points = {} end
      for _, point in ipairs(from) do
         for _, value in ipairs(over[key]) do
            local made = copy(point)
            made[key] = value
            points[#points + 1] = made
         end
      end
   end
   return points
end

return function(given)
   local definition = given[1]
   if not methods.is_method(definition) then
      fail.usage("assay.sweep: the first entry must be a method", "assay.sweep { assay.method.gptq, over = { ... } }")
   end
   local over = given.over or {}
   for key, values in pairs(over) do
      if type(values) ~= "table" then fail.usage(("assay.sweep: over.%s must be a list"):format(key)) end
      if not of_calibration[key] and not definition.options[key] then
         local known = copy(of_calibration)
         for name in pairs(definition.options) do known[name] = true end
         fail.unknown("setting", key, known)
      end
      if of_calibration[key] and not given.calibration then
         fail.usage(("assay.sweep: '%s' is a setting of a calibration, but there is none"):format(key))
      end
   end
   local base = copy(given)
   base[1], base.over, base.full, base.calibration = nil, nil, nil, nil
   local calibration_with = given.calibration and calibrations(given.calibration)
   local recipes, seen = {}, {}
   for _, point in ipairs(points_of(over, given.full)) do
      local o, changes = copy(base), {}
      for key, value in pairs(point) do
         if of_calibration[key] then changes[key] = value else o[key] = value end
      end
      if calibration_with and definition.calibrated then o.calibration = calibration_with(changes) end
      local recipe = definition(o)
      if not seen[recipe.id] then recipes[#recipes + 1] = recipe end
      seen[recipe.id] = true
   end
   return recipes
end
