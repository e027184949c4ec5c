-- Finds the files of a known set on this machine and the plugin component that reads them. Nothing is downloaded.
-- dataset.lua reads the files.
local data_form = require "assay.data.data_form"
local fail = require "assay.lib.fail"
local native = require "assay.native"
local fs = native.fs

local files = {}

-- For a single file: the component that reads it, its configuration, and the shape of its rows. The shape is "hub" (as on the
-- Hugging Face hub, in Parquet) or "original" (as the authors published the set).
local function form_of(path, set)
   local form = data_form.of(path).form
   if form == "parquet" then return "parquet", {}, "hub" end
   if set.form then return set.form.id, set.form.config, "original" end
   if form == "tsv" then return "csv", { delimiter = "\t" }, "original" end
   return form == "text" and "jsonl" or form, {}, "original"
end

local function has_file(folder, prefix)
   for _, name in ipairs(fs.kind(folder) == "folder" and fs.list(folder) or {}) do
      if name:sub(1, #prefix) == prefix and name:find "%.parquet$" then return true end
   end
   return false
end

local function hub_rows(folder, prefix)
   return { id = "parquet", config = { path = folder, prefix = prefix }, form = "hub" }
end

-- Looks for the Parquet files of a split in a folder, which may be the whole repository or its inner folder `set.folder`. The files
-- are called SPLIT-*.parquet or SPLIT/*.parquet.
local function parquet_below(folder, set, split)
   for _, inside in ipairs { folder .. "/" .. set.folder, folder } do
      if has_file(inside, split .. "-") then return hub_rows(inside, split .. "-") end
      if has_file(inside .. "/" .. split, "") then return hub_rows(inside .. "/" .. split, "") end
   end
end

-- Looks for a split's original files in a folder, by the names in set.original, and for the file of labels if there is one.
local function original_below(folder, set, split)
   local names = set.original and set.original[split]
   for _, name in ipairs(names or {}) do
      local path = folder .. "/" .. name
      if fs.kind(path) then
         local id, config = form_of(path, set)
         local found = { id = id, config = { path = path }, form = "original" }
         for key, value in pairs(config) do found.config[key] = value end
         if names.labels then found.labels = folder .. "/" .. names.labels end
         return found
      end
   end
end

-- The folders of all revisions in the hub's cache: datasets--OWNER--NAME/snapshots/REVISION.
local function snapshots(root, set)
   local folder = ("%s/datasets--%s/snapshots"):format(root, (set.hub:gsub("/", "--")))
   local found = {}
   for i, name in ipairs(fs.kind(folder) == "folder" and fs.list(folder) or {}) do
      found[i] = folder .. "/" .. name
   end
   return found
end

-- All places where a set may lie, in the order in which they are tried. given: the script's option `path`, or nil.
local function candidates(name, set, given)
   local settings, roots = native.sys.settings(), {}
   if given then
      for _, path in ipairs { given, settings.script_folder .. "/" .. given, settings.data .. "/" .. given } do
         roots[#roots + 1] = path
      end
   else
      roots = { settings.data, settings.script_folder, "data" }
   end
   local list = {}
   for _, root in ipairs(roots) do
      if given then list[#list + 1] = root end
      list[#list + 1] = root .. "/" .. set.hub
      list[#list + 1] = root .. "/hub/" .. set.hub
      for _, folder in ipairs(snapshots(root, set)) do list[#list + 1] = folder end
      list[#list + 1] = root .. "/original"
      list[#list + 1] = root .. "/" .. name
   end
   return list
end

-- Returns what to open for a split: { id = component, config, form = "hub"|"original", labels = file or nil }. If nothing is found,
-- the error says what was looked for.
function files.find(name, set, split, given)
   for _, place in ipairs(candidates(name, set, given)) do
      local kind = fs.kind(place)
      if kind == "file" then
         local id, config, form = form_of(place, set)
         local found = { id = id, config = { path = place }, form = form }
         for key, value in pairs(config) do found.config[key] = value end
         return found
      elseif kind == "folder" then
         local found = parquet_below(place, set, split) or original_below(place, set, split)
         if found then return found end
      end
   end
   local originals = set.original and set.original[split]
   fail.usage(("dataset %s: the split '%s' is not here"):format(name, split),
              ("Looked for %s/%s-*.parquet of %s%s%s; give path = \"FOLDER\" or --data FOLDER")
                 :format(set.folder, split, set.hub, originals and " and for " .. originals[1] or "",
                         given and (" below '%s'"):format(given) or ""))
end

return files
