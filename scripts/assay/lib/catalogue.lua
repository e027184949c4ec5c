-- Makes the manual's entries for methods, tasks and known datasets, with all their options. Each of these is a file of its own,
-- and its entry is made from that file.
local fail = require "assay.lib.fail"

local catalogue = {}

-- Types of options (lib/options.lua) that have another name in the annotations for editors: { name here = name there }.
local types = { list = "table", object = "table", model = "assay.model|string" }

-- The table of options as one parameter of the manual: { name, type = "{ bits: integer, group?: integer }", optional }.
local function parameter_of(spec)
   local parts, required = {}, false
   for _, name in ipairs(fail.sorted_keys(spec)) do
      local rule = spec[name]
      required = required or rule.required
      parts[#parts + 1] = ("%s%s: %s"):format(name, rule.required and "" or "?", types[rule.type] or rule.type or "any")
   end
   return { name = "options", type = ("{ %s }"):format(table.concat(parts, ", ")), optional = not required }
end

local function entry(section, name, returns, about, spec)
   return { section = section, name = name, parameters = { parameter_of(spec) }, returns = returns, about = about,
            since = "0.1", options = spec }
end

local function sentence(text) return text:sub(1, 1):upper() .. text:sub(2) .. (text:find "[.!]$" and "" or ".") end

function catalogue.methods()
   local methods, out = require "assay.recipe", {}
   for name, method in pairs(methods) do
      out[#out + 1] = entry("method", "assay.method." .. name, "assay.recipe", sentence(method.summary), method:specification())
   end
   return out
end

function catalogue.tasks()
   local tasks, out = require "assay.tasks", {}
   for name, task in pairs(tasks) do
      out[#out + 1] = entry("task", "assay.task." .. name, "assay.task", sentence(task.summary), task:specification())
   end
   return out
end

-- The splits of a known set with their rows, and its licence.
local function set_text(set)
   local splits = {}
   for _, split in ipairs(fail.sorted_keys(set.rows)) do
      splits[#splits + 1] = ("%s %d%s"):format(split, set.rows[split], split == set.default and " (default)" or "")
   end
   return ("%s; %s; rows: %s. Found below --data or in path."):format(set.title, set.license, table.concat(splits, ", "))
end

function catalogue.datasets()
   local known, out = getmetatable(require "assay.data.dataset"), {}
   for _, name in ipairs(known.known_sets()) do
      local set, spec = known.known_set(name)
      out[#out + 1] = entry("dataset", "assay.dataset." .. name, "assay.dataset", set_text(set), spec)
   end
   return out
end

-- Returns the entries of methods, then of tasks, then of datasets.
function catalogue.entries()
   local all = catalogue.methods()
   for _, list in ipairs { catalogue.tasks(), catalogue.datasets() } do table.move(list, 1, #list, #all + 1, all) end
   return all
end

return catalogue
