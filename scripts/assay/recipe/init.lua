-- Named methods: assay.method.NAME { options } returns a recipe. Each method is one file below methods/. It returns
-- { name, summary, plugins?, options?, recipe = function(o, plugin) ... end, label?, calibrated?, scheme_bits? }.
-- `plugins` names the plugins and which of their options the user may set (recipe/plugin_options.lua); `options` holds the method's
-- own options; `calibrated` is true, or a function of the options; `scheme_bits` is the number of bits of the weights in a method where the user cannot choose it.
-- In recipe(o, plugin), `plugin.quantizer` and `plugin.transform` are the configured { id, config } of these plugins.
local fail = require "assay.lib.fail"
local native = require "assay.native"
local options = require "assay.lib.options"
local plugin_options = require "assay.recipe.plugin_options"
local registry = require "assay.lib.registry"
local schemes = require "assay.recipe.scheme"

local method = {}
local recipe_class = { __name = "recipe" }
local method_class = { __name = "method" }

-- A method's options are put together when they are first read, so that a list of methods needs no plugin's schema.
function method_class.__index(self, key)
   if key ~= "options" then return method_class[key] end
   local all = plugin_options.rules(self.name, self.plugins)
   for name, rule in pairs(self.own_options) do all[name] = rule end
   rawset(self, "options", all)
   return all
end

function recipe_class:__tostring() return "recipe " .. self.label end

-- The usual label of a recipe: "gptq W4 g128" (weights of 4 bits, a scale for each 128 of them), or with a scheme "gptq W4A8 g128"
-- (inputs of 8 bits as well).
local function default_label(name, o)
   local label = name
   if o.scheme then
      label = ("%s %s"):format(label, o.scheme:upper())
   elseif o.bits then
      label = ("%s W%d"):format(label, o.bits)
   end
   if o.group then label = label .. (o.group == -1 and " per channel" or " g" .. o.group) end
   if o.symmetric == false then label = label .. " asym" end
   return label
end

local function default_id(label)
   return (label:lower():gsub("per channel", "ch"):gsub("[^%w]+", "-"))
end

-- Options that every method has in addition to its own.
local common = {
   keep = { type = "list", about = "linears that stay in float: names, roles or re:EXPRESSION" },
   label = { type = "string", about = "name in the report" },
   runtime = { type = "string", one_of = { "packed", "dequantized" },
               about = "how a study evaluates the result: packed = from its codes as they are stored" },
   scheme = { type = "string", about = "bits of weights, inputs and cache in one word: w4a16, w8a8, w4a8kv8" },
   calibration = { type = "table", about = "assay.calibration of this recipe alone" },
   overrides = { type = "list", about = "{ { match = name, config = { bits = 8 } } }: other settings for some linears" },
   sink = { type = "number", min = 0, about = "weight of position 0 in the Hessian" },
   experts = { type = "string", one_of = { "borrow", "plain", "route_all" },
               about = "calibration of an expert that saw fewer tokens than its input is wide: with those of all its layer "
                  .. "(borrow, the default) or without any (plain); route_all: every expert with all tokens" },
   routers = { type = "boolean", about = "quantize the routers of experts too" },
   tune = { type = "any", about = "true or { steps, rate, batch, norms }: train scales at the end" },
}

-- Turns the option `tune` into the recipe's form: nil for false, an empty object (all defaults) for true, a table as it is.
local function tune_of(value, name)
   if value == nil or value == false then return nil end
   if value == true then return native.json.object() end
   if type(value) == "table" then return value end
   fail.usage(("assay.method.%s: 'tune' must be true, false or a table"):format(name))
end

-- The method's label, followed by words for those of tune, sink, experts, routers, overrides, runtime and calibration that are not the default.
local function full_label(self, o)
   local label = (self.label or default_label)(self.name, o)
   local usual = self.options.tune and self.options.tune.default or false
   if (o.tune and true or false) ~= usual then
      label = label .. (o.tune and " tuned" or " untuned")
   end
   if o.sink and not self.options.sink then label = ("%s sink %g"):format(label, o.sink) end
   if o.experts then label = label .. " experts " .. o.experts end
   if o.routers then label = label .. " with routers" end
   if o.overrides then label = label .. " mixed" end
   if o.runtime then label = label .. " " .. o.runtime end
   if o.calibration and o.calibration.options.name then
      label = ("%s (%s)"):format(label, o.calibration.options.name)
   end
   return label
end

local function spec_of(definition)
   local spec = {}
   for key, rule in pairs(common) do spec[key] = rule end
   for key, rule in pairs(definition.options) do spec[key] = rule end
   return spec
end

-- Puts the bits of a scheme such as "w8a8" into o, the options with their defaults filled in. `given` has only the
-- options that the script wrote. int8 kernels multiply weights with one scale for each row. Therefore, for 8-bit
-- weights with quantized inputs, `group` becomes -1 (one scale for each row), unless the script wrote a `group`.
-- Returns the parts of the scheme (scheme.lua).
local function apply_scheme(definition, where, given, o)
   if not o.scheme then return {} end
   local parts, spec = schemes.parse(o.scheme, where), definition.options
   local fixed = definition.scheme_bits or given.bits
   if not spec.bits and not definition.scheme_bits then
      fail.usage(("%s: takes no scheme"):format(where), "It quantizes no weights")
   end
   if fixed and fixed ~= parts.bits then
      fail.usage(("%s: %d bits and scheme '%s' contradict each other"):format(where, fixed, o.scheme))
   end
   if spec.bits then o.bits = parts.bits end
   for _, key in ipairs { "activation", "kv" } do
      if spec[key] then o[key] = parts[key] and parts[key].bits or 16 end
   end
   if spec.group and given.group == nil and parts.bits == 8 and parts.activation then o.group = -1 end
   return parts
end

-- The method's own settings of inputs or cache, to which the scheme's part adds its entries. Where both have the same
-- entry, that of the scheme counts. Nil if the scheme leaves this part in float.
local function over(own, part)
   if not part then return nil end
   local out = {}
   for key, value in pairs(own or {}) do out[key] = value end
   for key, value in pairs(part) do out[key] = value end
   return out
end

-- Calling a method, as in assay.method.gptq { bits = 4 }, returns a recipe: { label, id, data, options, runtime, calibration, calibrated }.
-- `data` says what is done to a model; `runtime` only says how a study evaluates the result.
function method_class:__call(given)
   local where = "assay.method." .. self.name
   local o = options.check(where, given, spec_of(self))
   local parts = apply_scheme(self, where, given or {}, o)
   local data = self.recipe(o, plugin_options.configured(self.plugins, o))
   if o.scheme then
      data.activation = over(data.activation, parts.activation)
      data.kv = over(data.kv, parts.kv)
   end
   data.method = data.method or self.name
   data.keep = o.keep or data.keep or { "lm_head" }
   data.overrides = o.overrides or data.overrides
   data.sink_weight = o.sink or data.sink_weight
   data.experts, data.routers = o.experts, o.routers
   data.tune = tune_of(o.tune, self.name)
   local label = o.label or full_label(self, o)
   local calibrated = self.calibrated
   if type(calibrated) == "function" then calibrated = calibrated(o) end
   return setmetatable({ label = label, id = default_id(label), data = data, options = o, runtime = o.runtime,
                         calibration = o.calibration,
                         calibrated = calibrated or data.tune ~= nil or
                                      schemes.needs_calibration(parts) }, recipe_class)
end

function method_class:__tostring()
   return ("method %s: %s"):format(self.name, self.summary)
end

-- The rules (lib/options.lua) of all options that the method takes: its own and the common ones.
function method_class:specification() return spec_of(self) end

function method_class:help()
   local lines = { tostring(self), "", ("assay.method.%s { ... } takes"):format(self.name) }
   for _, line in ipairs(options.lines(spec_of(self))) do lines[#lines + 1] = line end
   return table.concat(lines, "\n")
end

local files = registry.open "recipe/methods"

local function load_method(_, name)
   if type(name) ~= "string" then return nil end
   local found = files:load(name)
   if not found then fail.unknown("method", name, files:modules()) end
   found.own_options, found.options = found.options or {}, nil
   found.help = method_class.help
   local definition = setmetatable(found, method_class)
   rawset(method, name, definition)
   return definition
end

return setmetatable(method, {
   __index = load_method,
   __name = "methods",
   __tostring = function() return "methods: " .. table.concat(files:names(), ", ") end,
   __pairs = function()
      local all, i = files:names(), 0
      return function()
         i = i + 1
         if all[i] then return all[i], method[all[i]] end
      end
   end,
   is_recipe = function(value) return getmetatable(value) == recipe_class end,
   is_method = function(value) return getmetatable(value) == method_class end,
})
