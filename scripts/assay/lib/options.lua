-- Checks a table of options against a specification (a rule for each option) and fills in defaults.
-- spec = { bits = { type = "integer", default = 4, min = 2, max = 8, about = "bits of a weight" } }
-- A rule may also have `one_of` (a list of the allowed values), `except` (one value inside the range that is refused) and
-- `required` (true if the option must be given).
local fail = require "assay.lib.fail"
local native = require "assay.native"

local options = {}

local article = { integer = "an integer", object = "an object" }

-- Whether a value has the type `kind` of a rule. An empty table counts as a list; for "model" the value may be a model or a path.
local function is_of(value, kind)
   if kind == "any" then return true end
   if kind == "integer" then return math.type(value) == "integer" end
   if kind == "list" then return type(value) == "table" and (#value > 0 or next(value) == nil) end
   if kind == "model" then
      return type(value) == "string" or native.model.is_model(value)
   end
   return type(value) == kind
end

local function describe(value)
   if type(value) == "string" then return ("'%s'"):format(value) end
   if type(value) == "table" then return "a table" end
   return tostring(value)
end

local function words(values)
   local list = {}
   for i, value in ipairs(values) do list[i] = tostring(value) end
   return list
end

local function check_value(where, key, rule, value)
   local kind = rule.type or "any"
   if not is_of(value, kind) then
      fail.usage(("%s: '%s' must be %s, not %s"):format(where, key, article[kind] or "a " .. kind,
                                                         describe(value)))
   end
   if rule.one_of then
      for _, allowed in ipairs(rule.one_of) do if value == allowed then return end end
      local names = words(rule.one_of)
      fail.usage(("%s: '%s' must be one of %s, not %s"):format(where, key, table.concat(names, ", "), describe(value)),
                 native.sys.suggestion(tostring(value), names))
   end
   if rule.except ~= nil and value == rule.except then
      fail.usage(("%s: '%s' must not be %s"):format(where, key, describe(value)), rule.about and "It means: " .. rule.about)
   end
   if rule.min and value < rule.min or rule.max and value > rule.max then
      fail.usage(("%s: '%s' must be in %s..%s, not %s"):format(where, key, rule.min or "-inf",
                                                                rule.max or "inf", value))
   end
end

-- Returns a new table with defaults filled in. Raises a usage error for a wrong option; the error names the line of the
-- script, and its message begins with `where`.
function options.check(where, given, spec)
   if given == nil then given = {} end
   if type(given) ~= "table" then
      fail.usage(("%s takes a table of options, not %s"):format(where, describe(given)),
                 ("Write %s { ... }"):format(where))
   end
   local filled = {}
   for key, value in pairs(given) do
      local rule = spec[key]
      if not rule then
         fail.usage(("%s: unknown option '%s'"):format(where, tostring(key)),
                    native.sys.suggestion(tostring(key), fail.sorted_keys(spec)))
      end
      check_value(where, key, rule, value)
      filled[key] = value
   end
   for key, rule in pairs(spec) do
      if filled[key] == nil then
         if rule.required then
            fail.usage(("%s: '%s' is missing"):format(where, key), rule.about)
         end
         filled[key] = rule.default
      end
   end
   return filled
end

-- Returns { name, type, default, about } for each option, all as texts, sorted by name.
function options.rows(spec)
   local rows = {}
   for i, name in ipairs(fail.sorted_keys(spec)) do
      local rule = spec[name]
      rows[i] = { name = name, type = rule.one_of and table.concat(words(rule.one_of), "|") or rule.type or "any",
                  default = rule.required and "required" or rule.default ~= nil and "default " .. tostring(rule.default) or "",
                  about = rule.about or "" }
   end
   return rows
end

-- Returns one line of help text for each option: name, type, default, meaning.
function options.lines(spec)
   local lines = {}
   for i, row in ipairs(options.rows(spec)) do
      lines[i] = ("  %-12s %-10s %-14s %s"):format(row.name, row.type, row.default, row.about)
   end
   return lines
end

return options
