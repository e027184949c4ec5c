-- assay.grid { method, ..., option = { v1, v2 } }: one recipe for every combination of methods and option values.
-- A method that has no such option ignores the option. A recipe in the list of methods is taken as it is.
local fail = require "assay.lib.fail"
local methods = getmetatable(require "assay.recipe")

local function as_list(value)
   if type(value) == "table" then return value end
   return { value }
end

-- Copies of every point (a table of options), one for each value of the option `key`.
local function spread(points, key, values)
   local out = {}
   for _, point in ipairs(points) do
      for _, value in ipairs(values) do
         local copy = { table.unpack(point) }
         for k, v in pairs(point) do copy[k] = v end
         copy[key] = value
         out[#out + 1] = copy
      end
   end
   return out
end

local function points_of(definition, axes, names)
   local points = { {} }
   for _, key in ipairs(names) do
      if definition.options and definition.options[key] then
         points = spread(points, key, axes[key])
      end
   end
   return points
end

return function(given)
   if type(given) ~= "table" then fail.usage "assay.grid takes a table: { method, bits = { 4, 3 } }" end
   local axes, names, used = {}, {}, {}
   for key, value in pairs(given) do
      if type(key) == "string" then
         axes[key] = as_list(value)
         names[#names + 1] = key
      end
   end
   table.sort(names)
   local recipes = {}
   for _, item in ipairs(given) do
      if methods.is_recipe(item) then
         recipes[#recipes + 1] = item
      elseif methods.is_method(item) then
         for _, key in ipairs(names) do used[key] = used[key] or item.options[key] ~= nil end
         for _, point in ipairs(points_of(item, axes, names)) do
            recipes[#recipes + 1] = item(point)
         end
      else
         fail.usage("assay.grid: " .. tostring(item) .. " is neither a method nor a recipe",
                    "Write assay.method.rtn or assay.method.rtn { bits = 4 }")
      end
   end
   if #recipes == 0 then fail.usage "assay.grid: no method is named" end
   for _, key in ipairs(names) do
      if not used[key] then
         local known = {}
         for _, item in ipairs(given) do
            for name in pairs(methods.is_method(item) and item.options or {}) do known[name] = true end
         end
         fail.unknown("option", key, known)
      end
   end
   return recipes
end
