-- Finds the git revision of the checkout that these scripts belong to. It reads the files in .git, so no git program is needed.
-- The number of the release is elsewhere: sys.settings().version.
local fs = require("assay.native").fs

local function first_line(path)
   local text = fs.read(path)
   return text and text:match "^%s*(.-)%s*[\r\n]" or text and text:match "^%s*(.-)%s*$"
end

-- Returns the folder with HEAD, and the folder with the branches. They differ in a linked work tree (git worktree),
-- which has its own HEAD; there .git is a file that names the folder with HEAD.
local function git_folders(root)
   local inside = root .. "/.git"
   if fs.kind(inside) == "folder" or fs.read(inside .. "/HEAD") then return inside, inside end
   local linked = (first_line(inside) or ""):match "^gitdir: (.+)$"
   if not linked then return nil end
   local own = linked:sub(1, 1) == "/" and linked or root .. "/" .. linked
   local common = first_line(own .. "/commondir")
   return own, common and (common:sub(1, 1) == "/" and common or own .. "/" .. common) or own
end

-- Returns 40 hex digits, or nil outside a checkout. A branch is a file with the hash, or a line of packed-refs.
return function()
   local own, common = git_folders(fs.scripts_folder():match "^(.*)/[^/]+$" or ".")
   if not own then return nil end
   local head = first_line(own .. "/HEAD")
   if not head then return nil end
   local ref = head:match "^ref: (.+)$"
   if not ref then return head:match "^%x+$" end
   local hash = first_line(own .. "/" .. ref) or first_line(common .. "/" .. ref)
   if hash then return hash:match "^%x+$" end
   for line in (fs.read(common .. "/packed-refs") or ""):gmatch "[^\n]+" do
      local packed, name = line:match "^(%x+) (.+)$"
      if name == ref then return packed end
   end
end
