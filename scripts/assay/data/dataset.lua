-- assay.dataset.NAME { ... }: a source of records, opened when it is first used. NAME is a known set (a file of datasets/) or the
-- component of a dataset plugin, such as "jsonl". With a plugin the script may give a function `map` that changes each record.
-- A path is looked for as written, then beside the script, then below --data.
local data_form = require "assay.data.data_form"
local fail = require "assay.lib.fail"
local files = require "assay.data.dataset_files"
local native = require "assay.native"
local options = require "assay.lib.options"
local registry = require "assay.lib.registry"
local fs = native.fs

local known_sets = registry.open "data/datasets"

local dataset_class = { __name = "dataset" }
dataset_class.__index = dataset_class

-- Options of every dataset of a plugin, beside the plugin's own configuration.
local common = {
   map = { type = "function", about = "returns the wanted form of a record, or nil to leave it out" },
   rows = { type = "integer", min = 0, about = "number of records that the file must have" },
}

local known_spec = {
   split = { type = "string", about = "which part; see datasets/README.md for the default" },
   path = { type = "string", about = "folder or file; default: below --data and data/" },
   subset = { type = "string", about = "why the number of rows differs from that of the whole set" },
}

local function resolve(path)
   local settings = native.sys.settings()
   for _, candidate in ipairs { path, settings.script_folder .. "/" .. path,
                                settings.data .. "/" .. path } do
      if fs.kind(candidate) then return candidate end
   end
   return path -- the plugin will say that there is no such file
end

-- Raises if the number of rows is not the expected one: that of a known set, or the option `rows`.
local function check_rows(self, found)
   if not self.expected or self.expected == found then return end
   local where = self.split and ("dataset %s, split %s"):format(self.name, self.split) or tostring(self)
   fail.work(("%s: %d rows, not %d"):format(where, found, self.expected),
             { where = self.config.path,
               hint = self.set and "If a part of the set is meant: subset = \"why\""
                      or "Correct 'rows', or leave it out" })
end

-- Opens the files, once, and returns the plugin's handle. Only now are the files of a known set looked for.
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

-- Returns { name, records, sha256, license, ... }. The plugin counts the records before any map.
function dataset_class:info()
   if not self.told then
      self.told = open(self):info()
      self.told.name, self.told.split, self.told.form = self.name, self.split, self.form
      self.told.subset = self.given.subset
   end
   return self.told
end

local function names_of(record)
   local names = {}
   for name in pairs(record) do
      names[#names + 1] = #names < 8 and ("'%s'"):format(name) or nil
   end
   return #names > 0 and table.concat(names, ", ") or "nothing"
end

-- Returns the text in member `name` of record number n. Raises if there is no such member, or if it is not a text.
local function record_text(self, record, n, name)
   local value = record[name]
   if type(value) == "string" then return value end
   local where = self.config and self.config.path or tostring(self)
   if value ~= nil then
      local kind = value == native.json.null and "null" or "a " .. type(value)
      fail.work(("record %d: '%s' is %s, not a text"):format(n, name, kind), { where = where,
         hint = ("To leave such records out: map = function(r) if type(r.%s) == \"string\" then return r end end"):format(name) })
   end
   fail.work(("record %d has no '%s', it has %s"):format(n, name, names_of(record)), { where = where,
      hint = "Set 'field' to the member that holds the text, or give a 'map'" })
end

-- Wraps next_row so that each row also gets its label. Some sets keep the labels in a separate file, one on each line.
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

-- Wraps next_row so that the member `field` of each row becomes its text, for plugins that have no option for that.
local function with_field(self, next_row)
   local n = 0
   return function()
      local row = next_row()
      n = n + 1
      if row then row.text = record_text(self, row, n, self.field) end
      return row
   end
end

-- Iterates from the first record on: for record in d:records() do ... end. Each row passes the set's `read`, then the script's
-- `map`; a row for which `map` gives nil is left out.
function dataset_class:records()
   local handle = open(self)
   handle:rewind()
   local read = self.set and self.set[self.form == "hub" and "hub_read" or "read"]
   local map = self.given.map
   local function next_row() return handle:next() end
   if self.labels then next_row = with_labels(self, next_row) end
   if self.field then next_row = with_field(self, next_row) end
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

-- Number of records after the map.
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

-- The question and the answer of a record; each is nil if the record does not have it.
function dataset_class:ask(record)
   if self.set and self.set.ask then return self.set.ask(record) end
   return record.prompt or record.question or record.problem, record.answer or record.response
end

-- The text of a record: its member `text`, or question and answer on two lines; nil if it has neither.
function dataset_class:text_of(record)
   if type(record.text) == "string" then return record.text end
   local question, answer = self:ask(record)
   if type(question) ~= "string" then return nil end
   return type(answer) == "string" and question .. "\n" .. answer or question
end

-- The text of a record; raises if it has none. n: the record's number, for the message.
function dataset_class:need_text(record, n) return self:text_of(record) or record_text(self, record, n, "text") end

-- The texts of all records joined, by default with a blank line between them. Perplexity is measured on this text.
function dataset_class:text(separator)
   local parts = {}
   for record in self:records() do parts[#parts + 1] = self:need_text(record, #parts + 1) end
   return table.concat(parts, separator or "\n\n")
end

-- Whether the split is kept for evaluation. A calibration that uses such a split must say why (allow_held_out).
function dataset_class:held_out()
   if not self.set then return false end
   local training = self.set.training
   if training then return not training[self.split] end
   return not self.split:find "^train"
end

-- Whether the rows are lines of one document instead of texts of their own.
function dataset_class:is_lines() return self.set ~= nil and self.set.lines == true end

function dataset_class:__tostring()
   if self.set then return ("dataset %s, split %s"):format(self.name, self.split) end
   return ("dataset %s %s"):format(self.id, self.config.path or "")
end

-- Everything that fixes the records: the hash of the content (never the path) and the hash of the map's bytecode. The keys of
-- stored results contain all of it.
function dataset_class:identity()
   local info = self:info()
   local map = self.given.map
   return { id = self.id, sha256 = info.content_hash or info.sha256, records = info.records, set = self.name,
            split = self.split, map = map and fs.sha256(string.dump(map, true)) or nil }
end

-- ---- makers ------------------------------------------------------------------------------------

-- Options that only files of plain text have.
local of_text_alone = { "records", "keep_blank" }

-- assay.dataset.text also takes files in other forms. Returns the component that reads the file, its configuration, and the field
-- that holds the text (nil if the component finds the text itself).
local function by_form(config)
   local form = data_form.of(config.path).form
   if form == "text" then return "text", config end
   if form == "jsonl" then
      config.format = "jsonl"
      return "text", config
   end
   for _, key in ipairs(of_text_alone) do
      if config[key] ~= nil then
         fail.usage(("assay.dataset.text: '%s' is only for plain text, but %s is %s"):format(key, config.path, form),
                    'format = "text" takes the file as it is')
      end
   end
   local field = config.field
   config.field, config.format = nil, nil
   if form == "tsv" then config.delimiter = "\t" end
   return form == "tsv" and "csv" or form, config, field
end

-- Components that read text files. For these data_form.of raises if the first bytes belong to another form, such as gzip.
local of_letters = { text = true, jsonl = true, json = true, csv = true }

-- Returns the function behind assay.dataset.ID { ... } for a component of a plugin.
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
      local chosen, field = id, nil
      if type(copy.path) == "string" then
         copy.path = resolve(copy.path)
         if id == "text" and (copy.format or "auto") == "auto" then chosen, copy, field = by_form(copy)
         elseif of_letters[id] then data_form.of(copy.path) end
      end
      local filled = native.plugin.check("dataset", chosen, copy)
      return setmetatable({ id = chosen, config = filled, given = given, expected = given.rows, field = field },
                          dataset_class)
   end
end

-- Returns the function behind assay.dataset.NAME { ... } for a known set.
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

-- Raises an error: there is no such dataset. If the host refused a plugin file with this name, the message says why.
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
   known_sets = function() return known_sets:names() end,
   known_set = function(name) return known_sets:load(name), known_spec end, -- its file, and the options of all known sets
})
