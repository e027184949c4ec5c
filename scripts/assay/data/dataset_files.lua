-- Where the files of a known set lie on this machine, and by which plugin they are read.
-- Not what is in them (dataset.lua); nothing is fetched.
local fail = require "assay.lib.fail"
local native = require "assay.native"
local fs = native.fs

local files = {}

-- Forms of a single file by the ending of its name.
local function form_of(path, set)
   if path:find "%.parquet$" then return "parquet", {}, "hub" end
   if set.form then return set.form.id, set.form.config, "original" end
   if path:find "%.json$" then return "json", {}, "original" end
   if path:find "%.csv$" then return "csv", {}, "original" end
   return "jsonl", {}, "original"
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

-- Parquet inside a folder: with or without the folders of the repository; SPLIT-*.parquet or SPLIT/*.parquet.
local function parquet_below(folder, set, split)
   for _, inside in ipairs { folder .. "/" .. set.folder, folder } do
      if has_file(inside, split .. "-") then return hub_rows(inside, split .. "-") end
      if has_file(inside .. "/" .. split, "") then return hub_rows(inside .. "/" .. split, "") end
   end
end

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

-- The hub's cache keeps revisions: datasets--OWNER--NAME/snapshots/REVISION.
local function snapshots(root, set)
   local folder = ("%s/datasets--%s/snapshots"):format(root, (set.hub:gsub("/", "--")))
   local found = {}
   for i, name in ipairs(fs.kind(folder) == "folder" and fs.list(folder) or {}) do
      found[i] = folder .. "/" .. name
   end
   return found
end

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

-- { id, config, form = "hub"|"original", labels }: what to open for a split. Raises with what was looked for.
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
