-- Options that a method passes on to a plugin. Type, default, range and meaning come from the plugin's schema (the JSON Schema of its
-- options), so a method only lists names:
--    plugins = { quantizer = { id = "gptq", takes = { "bits", group = "group_size" }, defaults = { bits = 3 } } }
-- `takes` lists names of the schema; group = "group_size" means that the method's option is called `group`. `defaults` holds
-- values that replace the schema's defaults; a comment in the method says why.
local fail = require "assay.lib.fail"
local native = require "assay.native"

local plugin_options = {}

local function schema_of(method, kind, id)
   local found, problem = native.plugin.describe(kind, id)
   if not found then
      fail.usage(("assay.method.%s needs the %s '%s': %s"):format(method, kind, id, problem.message), problem.hint)
   end
   return found.schema.properties
end

local function plain_list(values)
   local out = {}
   for i, value in ipairs(values) do out[i] = value end
   return out
end

-- Turns a property of a JSON Schema into a rule of lib/options.lua.
local function rule_of(property)
   return { type = property.type, default = property.default, min = property.minimum, max = property.maximum,
            one_of = property.enum and plain_list(property.enum), except = (property["not"] or {}).const,
            about = property.description }
end

-- The list `takes` as a table { option of the method = key of the schema }.
local function names(takes)
   local out = {}
   for option, key in pairs(takes) do out[math.type(option) == "integer" and key or option] = key end
   return out
end

-- Returns the rules (lib/options.lua) of all options that a method passes on. Raises if one of the plugins is absent.
function plugin_options.rules(method, plugins)
   local rules = {}
   for kind, plugin in pairs(plugins or {}) do
      local properties = schema_of(method, kind, plugin.id)
      for option, key in pairs(names(plugin.takes)) do
         local rule = rule_of(assert(properties[key], ("%s %s has no option '%s'"):format(kind, plugin.id, key)))
         local own = (plugin.defaults or {})[option]
         if own ~= nil then rule.default = own end
         rules[option] = rule
      end
   end
   return rules
end

-- Returns { quantizer = { id, config }, transform = ... }: each plugin with the values of the options o, as a recipe holds it.
function plugin_options.configured(plugins, o)
   local out = {}
   for kind, plugin in pairs(plugins or {}) do
      local config = {}
      for option, key in pairs(names(plugin.takes)) do config[key] = o[option] end
      out[kind] = { id = plugin.id, config = config }
   end
   return out
end

return plugin_options
