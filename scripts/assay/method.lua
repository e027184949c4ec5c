-- Named methods: assay.method.NAME { options } is a recipe. One file per method in methods/.
-- A method file returns { name, summary, options, recipe = function(o) ... end, label?, id? }.
local fail = require "assay.fail"
local fs = require("assay.native").fs
local options = require "assay.options"

local method = {}
local recipe_class = { __name = "recipe" }
local method_class = { __name = "method" }
method_class.__index = method_class

function recipe_class:__tostring() return "recipe " .. self.label end

local function default_label(name, o)
   local label = name
   if o.bits then label = ("%s W%d"):format(label, o.bits) end
   if o.group then label = label .. (o.group == -1 and " per channel" or " g" .. o.group) end
   if o.symmetric == false then label = label .. " asym" end
   return label
end

local function default_id(label)
   return (label:lower():gsub("per channel", "ch"):gsub("[^%w]+", "-"))
end

-- What every method takes beside its own options.
local common = {
   keep = { type = "list", about = "linears that stay in float: names, roles or re:EXPRESSION" },
   label = { type = "string", about = "name in the report" },
}

local function spec_of(definition)
   local spec = {}
   for key, rule in pairs(common) do spec[key] = rule end
   for key, rule in pairs(definition.options or {}) do spec[key] = rule end
   return spec
end

-- method { options } -> recipe
function method_class:__call(given)
   local o = options.check("assay.method." .. self.name, given, spec_of(self))
   local data = self.recipe(o)
   data.method = data.method or self.name
   data.keep = o.keep or data.keep or { "lm_head" }
   local label = o.label or (self.label or default_label)(self.name, o)
   return setmetatable({ label = label, id = default_id(label), data = data, options = o,
                         calibrated = self.calibrated or false }, recipe_class)
end

function method_class:__tostring()
   return ("method %s: %s"):format(self.name, self.summary)
end

function method_class:help()
   local lines = { tostring(self), "", ("assay.method.%s { ... } takes"):format(self.name) }
   for _, line in ipairs(options.lines(spec_of(self))) do lines[#lines + 1] = line end
   return table.concat(lines, "\n")
end

local function folder() return fs.scripts_folder() .. "/assay/methods" end

-- Names of all methods, sorted.
local function names()
   local found = {}
   for _, file in ipairs(fs.list(folder())) do found[#found + 1] = file:match "^([%w_]+)%.lua$" end
   return found
end

local function load_method(_, name)
   if type(name) ~= "string" then return nil end
   if not fs.kind(folder() .. "/" .. name .. ".lua") then
      local known = {}
      for _, one in ipairs(names()) do known[one] = true end
      fail.unknown("method", name, known)
   end
   local definition = setmetatable(require("assay.methods." .. name), method_class)
   rawset(method, name, definition)
   return definition
end

return setmetatable(method, {
   __index = load_method,
   __name = "methods",
   __tostring = function() return "methods: " .. table.concat(names(), ", ") end,
   __pairs = function()
      local all, i = names(), 0
      return function()
         i = i + 1
         if all[i] then return all[i], method[all[i]] end
      end
   end,
   is_recipe = function(value) return getmetatable(value) == recipe_class end,
   is_method = function(value) return getmetatable(value) == method_class end,
})
