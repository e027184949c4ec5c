-- assay.task.NAME { options }: something that is measured. Each task is one file in text/ or benchmarks/.
-- It returns { kind, summary, options, metrics, protocol = function(o), tokens = function(o), run = function(o, m, progress, place) };
-- README.md explains these fields.
local fail = require "assay.lib.fail"
local native = require "assay.native"
local options = require "assay.lib.options"
local registry = require "assay.lib.registry"

local task_class = { __name = "task" }
task_class.__index = task_class

local common = {
   id = { type = "string", about = "name in the report" },
   title = { type = "string", about = "heading in the report" },
   margin = { type = "number", about = "largest loss that counts as none" },
}

local function spec_of(definition)
   local spec = {}
   for key, rule in pairs(common) do spec[key] = rule end
   for key, rule in pairs(definition.options or {}) do spec[key] = rule end
   return spec
end

function task_class:__tostring()
   return ("task %s: %s"):format(self.id, self.definition.summary)
end

-- The protocol: everything that fixes the number of the task, and an `id` that contains a hash of it. Results may be compared only if
-- their ids are equal.
function task_class:protocol()
   local settings = native.sys.settings()
   local protocol = self.definition.protocol(self.options)
   protocol.dtype = settings.dtype
   local hash = native.fs.sha256(native.json.encode(protocol, { canonical = true }))
   protocol.id = protocol.name .. "/" .. hash:sub(1, 12)
   return protocol
end

local definition_class = { __name = "task definition" }
definition_class.__index = definition_class

-- If the script names no dataset, takes the known set for which the task is made (`set` of its definition).
local function with_known_set(self, given)
   if not self.set or type(given) ~= "nil" and type(given) ~= "table" or given and given.dataset then return given end
   local filled = { dataset = require("assay.data.dataset")[self.set] {} }
   for key, value in pairs(given or {}) do filled[key] = value end
   return filled
end

function definition_class:__call(given)
   given = with_known_set(self, given)
   local o = options.check("assay.task." .. self.name, given, spec_of(self))
   if self.check then self.check(o) end
   return setmetatable({ id = o.id or self.name, options = o, definition = self }, task_class)
end

function definition_class:__tostring() return ("task %s: %s"):format(self.name, self.summary) end

-- The rules (lib/options.lua) of all options that the task takes: its own and those of every task.
function definition_class:specification() return spec_of(self) end

function definition_class:help()
   local lines = { tostring(self), "", ("assay.task.%s { ... } takes"):format(self.name) }
   for _, line in ipairs(options.lines(spec_of(self))) do lines[#lines + 1] = line end
   return table.concat(lines, "\n")
end

local files = { registry.open "tasks/text", registry.open "tasks/benchmarks" }

-- { name = module to require }
local function known()
   local all = {}
   for _, folder in ipairs(files) do
      for name, module in pairs(folder:modules()) do all[name] = module end
   end
   return all
end

return setmetatable({}, {
   __name = "tasks",
   __index = function(self, name)
      if type(name) ~= "string" then return nil end
      local all = known()
      if not all[name] then fail.unknown("task", name, all) end
      local definition = require(all[name])
      definition.name = name
      local made = setmetatable(definition, definition_class)
      rawset(self, name, made)
      return made
   end,
   __pairs = function(self)
      local names, i = fail.sorted_keys(known()), 0
      return function()
         i = i + 1
         if names[i] then return names[i], self[names[i]] end
      end
   end,
   __tostring = function() return "tasks: " .. table.concat(fail.sorted_keys(known()), ", ") end,
   is_task = function(value) return getmetatable(value) == task_class end,
})
