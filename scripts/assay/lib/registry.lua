-- Lists and loads the named files of one folder of the library: methods, tasks, datasets and kinds of stages are such folders.
-- NAME.lua may lie in the folder itself or in a subfolder. Subfolders only group files; no two files may have the same name.
local native = require "assay.native"
local fs = native.fs

local registry = {}
registry.__index = registry

-- folder: path below scripts/assay, for example "recipe/methods". The folder is read once.
function registry.open(folder) return setmetatable({ folder = folder }, registry) end

local function add_files(modules, path, prefix)
   for _, file in ipairs(fs.list(path) or {}) do
      local name = file:match "^([%w_]+)%.lua$"
      if name and name ~= "init" then modules[name] = prefix .. name end
   end
end

-- Returns { name = module to require } for all files.
function registry:modules()
   if self.found then return self.found end
   local root, prefix = fs.scripts_folder() .. "/assay/" .. self.folder, "assay." .. self.folder:gsub("/", ".") .. "."
   self.found = {}
   add_files(self.found, root, prefix)
   for _, entry in ipairs(fs.list(root) or {}) do
      if fs.kind(root .. "/" .. entry) == "folder" then
         add_files(self.found, root .. "/" .. entry, prefix .. entry .. ".")
      end
   end
   return self.found
end

function registry:names()
   local names = {}
   for name in pairs(self:modules()) do names[#names + 1] = name end
   table.sort(names)
   return names
end

-- Returns what the file of that name returns; nil if there is no such file.
function registry:load(name)
   local module = self:modules()[name]
   return module and require(module) or nil
end

return registry
