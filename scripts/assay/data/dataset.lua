-- assay.dataset.NAME { ... }: records, opened when first used. NAME is a known set (datasets/NAME.lua) or a dataset plugin,
-- whose records a `map` of yours may reshape. Paths are looked for as written, beside the script, and below --data.
local fail = require "assay.lib.fail"
local files = require "assay.data.dataset_files"
local native = require "assay.native"
local options = require "assay.lib.options"
local registry = require "assay.lib.registry"
local fs = native.fs

local known_sets = registry.open "data/datasets"

local dataset_class = { __name = "dataset" }
dataset_class.__index = dataset_class

-- What every dataset of a plugin takes beside the plugin's own configuration.
local common = {
   map = { type = "function", about = "a record to the record that is wanted, or nil to leave it out" },
   rows = { type = "integer", min = 0, about = "records that there must be" },
}

local known_spec = {
   split = { type = "string", about = "which part; see datasets/README.md for the default" },
   path = { type = "string", about = "folder or file; default: below --data and data/" },
   subset = { type = "string", about = "why there are other numbers of rows than the whole set has" },
}

local function resolve(path)
   local settings = native.sys.settings()
   for _, candidate in ipairs { path, settings.script_folder .. "/" .. path,
                                settings.data .. "/" .. path } do
      if fs.kind(candidate) then return candidate end
   end
   return path -- the plugin says that it is not there
end

local function check_rows(self, found)
   if not self.expected or self.expected == found then return end
   local where = self.split and ("dataset %s, split %s"):format(self.name, self.split) or tostring(self)
   fail.work(("%s: %d rows, not %d"):format(where, found, self.expected),
             { where = self.config.path,
               hint = self.set and "If a part of the set is meant: subset = \"why\""
                      or "Correct 'rows', or leave it out" })
end

local function open(self)
   if not self.handle then
      if self.set and not self.config then
         local found = files.find(self.name, self.set, self.split, self.given.path)
         found.config.license, found.config.source = self.set.license, self.set.hub
         self.id, self.form, self.labels = found.id, found.form, found.labels
         self.config = native.plugin.check("dataset", found.id, found.config)
      end
      self.handle = native.data.dataset(self.id, self.config)
      local told = self.handle:info().records
      if told and not (self.given.map) then check_rows(self, told) end
   end
   return self.handle
end

-- { name, records, sha256, license, ... } as the plugin counted them.
function dataset_class:info()
   if not self.told then
      self.told = open(self):info()
      self.told.name, self.told.split, self.told.form = self.name, self.split, self.form
      self.told.subset = self.given.subset
   end
   return self.told
end

-- Labels that the original form keeps in a file of their own, one a line.
local function with_labels(self, next_row)
   local text, problem = fs.read(self.labels)
   if not text then error(problem, 0) end
   local next_label = text:gmatch "[^\r\n]+"
   return function()
      local row = next_row()
      if row then row.label = next_label() end
      return row
   end
end

-- for record in d:records() do ... end
function dataset_class:records()
   local handle = open(self)
   handle:rewind()
   local read = self.set and self.set[self.form == "hub" and "hub_read" or "read"]
   local map = self.given.map
   local function next_row() return handle:next() end
   if self.labels then next_row = with_labels(self, next_row) end
   if not read and not map then return next_row end
   return function()
      while true do
         local row = next_row()
         if row == nil then return nil end
         if read then row = read(row) end
         if map then row = map(row) end
         if type(row) == "table" then return row end
         if row ~= nil then fail.usage(("%s: 'map' must give a table or nil, not a %s"):format(self, type(row))) end
      end
   end
end

-- How many records there are, after the map.
function dataset_class:count()
   if not self.given.map and self:info().records then return self:info().records end
   if not self.counted then
      local n = 0
      for _ in self:records() do n = n + 1 end
      self.counted = n
      check_rows(self, n)
   end
   return self.counted
end

-- Question and answer of a record; nil for what is not there.
function dataset_class:ask(record)
   if self.set and self.set.ask then return self.set.ask(record) end
   return record.prompt or record.question or record.problem, record.answer or record.response
end

-- The text of a record: as it is, or question and answer; nil if it has neither.
function dataset_class:text_of(record)
   if type(record.text) == "string" then return record.text end
   local question, answer = self:ask(record)
   if type(question) ~= "string" then return nil end
   return type(answer) == "string" and question .. "\n" .. answer or question
end

-- All records' text joined: what perplexity is measured on.
function dataset_class:text(separator)
   local parts = {}
   for record in self:records() do
      parts[#parts + 1] = self:text_of(record) or
         fail.usage(("dataset %s: its records have no 'text'"):format(self.name or self.id),
                    "Set 'field' to the member that holds the text, or give a 'map'")
   end
   return table.concat(parts, separator or "\n\n")
end

-- Whether it is kept for evaluation: calibration must say why it uses it.
function dataset_class:held_out()
   if not self.set then return false end
   local training = self.set.training
   if training then return not training[self.split] end
   return not self.split:find "^train"
end

-- Rows that are lines of one document rather than texts of their own.
function dataset_class:is_lines() return self.set ~= nil and self.set.lines == true end

function dataset_class:__tostring()
   if self.set then return ("dataset %s, split %s"):format(self.name, self.split) end
   return ("dataset %s %s"):format(self.id, self.config.path or "")
end

-- What fixes its content, for keys of stored results: the content's hash, never the path.
function dataset_class:identity()
   local info = self:info()
   local map = self.given.map
   return { id = self.id, sha256 = info.content_hash or info.sha256, records = info.records, set = self.name,
            split = self.split, map = map and fs.sha256(string.dump(map, true)) or nil }
end

-- ---- makers ------------------------------------------------------------------------------------

local function of_plugin(id)
   return function(config)
      if config ~= nil and type(config) ~= "table" then
         fail.usage(("assay.dataset.%s takes a table, not a %s"):format(id, type(config)))
      end
      local copy, given = {}, {}
      for key, value in pairs(config or {}) do
         if common[key] then given[key] = value else copy[key] = value end
      end
      given = options.check("assay.dataset." .. id, given, common)
      if type(copy.path) == "string" then copy.path = resolve(copy.path) end
      local filled = native.plugin.check("dataset", id, copy)
      return setmetatable({ id = id, config = filled, given = given, expected = given.rows }, dataset_class)
   end
end

local function of_set(name)
   local set = known_sets:load(name)
   return function(given)
      local o = options.check("assay.dataset." .. name, given, known_spec)
      local split = o.split or set.default
      if not set.rows[split] then
         fail.usage(("dataset %s has no split '%s'"):format(name, split),
                    native.sys.suggestion(split, fail.sorted_keys(set.rows)) or
                    "It has " .. table.concat(fail.sorted_keys(set.rows), ", "))
      end
      return setmetatable({ name = name, set = set, split = split, given = o,
                            expected = not o.subset and set.rows[split] or nil }, dataset_class)
   end
end

local function known_plugins()
   local ids = {}
   for _, component in ipairs(native.plugin.list("dataset")) do ids[component.id] = true end
   return ids
end

local function known()
   local all = known_plugins()
   for name in pairs(known_sets:modules()) do all[name] = true end
   return all
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
      if known_sets:modules()[id] then return of_set(id) end
      if not known_plugins()[id] then unknown(id, known()) end
      return of_plugin(id)
   end,
   __tostring = function() return "datasets: " .. table.concat(fail.sorted_keys(known()), ", ") end,
   is_dataset = function(value) return getmetatable(value) == dataset_class end,
   is_known_set = function(name) return known_sets:modules()[name] ~= nil end,
})
