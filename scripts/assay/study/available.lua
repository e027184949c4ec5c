-- assay.if_available("name", function() return assay.method.x { ... } end): the recipe or task, or a note why it is not available on
-- this machine. A study lists such notes in its plan and report, so that a reader sees what was left out.
local fail = require "assay.lib.fail"
local native = require "assay.native"

local note_class = { __name = "not available" }
note_class.__index = note_class
function note_class:__tostring() return ("not available: %s: %s"):format(self.label, self.reason) end

-- Returns a text that names the first component of a recipe that no loaded plugin offers; nil if all are there.
local function missing_component(recipe)
   local parts = {}
   if recipe.data.quantizer then parts[1] = { "quantizer", recipe.data.quantizer.id } end
   for _, transform in ipairs(recipe.data.transforms or {}) do parts[#parts + 1] = { "transform", transform.id } end
   for _, part in ipairs(parts) do
      if not native.plugin.describe(part[1], part[2]) then
         return ("no plugin offers the %s '%s'"):format(part[1], part[2])
      end
   end
end

local function first_line(problem)
   local text = type(problem) == "table" and problem.message or tostring(problem)
   return text:match "^[^\n]*"
end

-- Calls make(). Returns the recipe or task, or nil and the reason why it is not available. If it raises an error, if_available takes
-- this error as the reason. A dataset opens its files only when it is first used, so info() is called to find out whether its files
-- exist on this machine.
local function try(make)
   local made = make()
   if type(made) == "table" and made.data and made.data.method then
      local reason = missing_component(made)
      if reason then return nil, reason end
   elseif type(made) == "table" and made.options and made.options.dataset then
      made.options.dataset:info()
   end
   return made
end

local available = {}

function available.is_note(value) return getmetatable(value) == note_class end

-- The tasks of a list that are available; the notes among them are added to `missing`.
function available.present(list, missing)
   local out = {}
   for _, item in ipairs(list) do
      if available.is_note(item) then
         missing[#missing + 1] = { kind = "task", label = item.label, reason = item.reason }
      else
         out[#out + 1] = item
      end
   end
   return out
end

function available.note(label, reason) return setmetatable({ label = label, reason = reason }, note_class) end

function available.if_available(label, make)
   if type(label) ~= "string" or type(make) ~= "function" then
      fail.usage("assay.if_available takes a name and a function",
                 'assay.if_available("awq W4", function() return assay.method.awq { bits = 4 } end)')
   end
   local ok, made, reason = pcall(try, make)
   if ok and made then return made end
   if not ok and type(made) == "table" and made.kind == "cancelled" then error(made, 0) end
   return available.note(label, ok and reason or first_line(made))
end

return available
