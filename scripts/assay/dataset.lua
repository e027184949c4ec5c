-- assay.dataset.NAME { configuration }: records of a dataset plugin, opened when first used.
-- Paths are looked for as written, beside the script, and below --data.
local fail = require "assay.fail"
local native = require "assay.native"
local fs = native.fs

local dataset_class = { __name = "dataset" }
dataset_class.__index = dataset_class

local function resolve(path)
   local settings = native.sys.settings()
   for _, candidate in ipairs { path, settings.script_folder .. "/" .. path,
                                settings.data .. "/" .. path } do
      if fs.kind(candidate) then return candidate end
   end
   return path -- the plugin says that it is not there
end

local function open(self)
   if not self.handle then self.handle = native.data.dataset(self.id, self.config) end
   return self.handle
end

-- { name, records, sha256, license, ... } as the plugin counted them.
function dataset_class:info() return open(self):info() end

-- for record in d:records() do ... end
function dataset_class:records()
   local handle = open(self)
   handle:rewind()
   return function() return handle:next() end
end

-- All records' text joined: what perplexity is measured on.
function dataset_class:text(separator)
   local parts = {}
   for record in self:records() do
      if type(record.text) ~= "string" then
         fail.usage(("dataset %s: its records have no 'text'"):format(self.id),
                    "Set 'field' to the member that holds the text")
      end
      parts[#parts + 1] = record.text
   end
   return table.concat(parts, separator or "\n\n")
end

function dataset_class:__tostring()
   return ("dataset %s %s"):format(self.id, self.config.path or "")
end

-- What fixes its content, for keys of stored results: the content's hash, never the path.
function dataset_class:identity()
   local info = self:info()
   return { id = self.id, sha256 = info.content_hash or info.sha256, records = info.records }
end

local function make(id)
   return function(config)
      if config ~= nil and type(config) ~= "table" then
         fail.usage(("assay.dataset.%s takes a table, not a %s"):format(id, type(config)))
      end
      local copy = {}
      for key, value in pairs(config or {}) do copy[key] = value end
      if type(copy.path) == "string" then copy.path = resolve(copy.path) end
      local filled = native.plugin.check("dataset", id, copy)
      return setmetatable({ id = id, config = filled }, dataset_class)
   end
end

local function known()
   local ids = {}
   for _, component in ipairs(native.plugin.list("dataset")) do ids[component.id] = true end
   return ids
end

-- A plugin that was refused is the likeliest reason for a missing dataset.
local function unknown(id, ids)
   for _, file in ipairs(native.plugin.files()) do
      if file.broken ~= "" and file.path:find(id, 1, true) then
         fail.usage(("unknown dataset '%s': its plugin was refused"):format(id), file.broken)
      end
   end
   fail.unknown("dataset", id, ids)
end

return setmetatable({}, {
   __name = "datasets",
   __index = function(_, id)
      if type(id) ~= "string" then return nil end
      local ids = known()
      if not ids[id] then unknown(id, ids) end
      return make(id)
   end,
   __tostring = function() return "datasets: " .. table.concat(fail.sorted_keys(known()), ", ") end,
   is_dataset = function(value) return getmetatable(value) == dataset_class end,
})
