-- assay.plugins: the components (quantizers, transforms, datasets, metrics, exporters) that the loaded plugins offer.
-- print(assay.plugins) lists them, assay.plugins.find describes one.
local native = require "assay.native"

local plugins = {}

-- All components, or those of one kind such as "quantizer": a list of { id, kind, summary, version }.
function plugins.list(kind) return native.plugin.list(kind) end

-- Returns a component with its schema (the JSON Schema of its options); nil and an error if there is no such component.
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
