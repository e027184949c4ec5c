-- assay.plugins: what plugins offer. print(assay.plugins) lists it, assay.plugins.find describes one.
local native = require "assay.native"

local plugins = {}

-- All components, or those of a kind: { id, kind, summary, version }.
function plugins.list(kind) return native.plugin.list(kind) end

-- A component with its schema; nil and an error where there is none of this name.
function plugins.find(kind, id) return native.plugin.describe(kind, id) end

return setmetatable(plugins, {
   __name = "plugins",
   __tostring = function()
      local lines = {}
      for _, c in ipairs(native.plugin.list()) do
         lines[#lines + 1] = ("%-10s %-20s %s"):format(c.kind, c.id, c.summary or "")
      end
      return #lines > 0 and table.concat(lines, "\n") or "no plugins found"
   end,
})
