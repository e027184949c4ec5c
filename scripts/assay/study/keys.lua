-- Parts that the keys of several kinds of stage share. A key is a table with everything that fixes the result of a stage.
local native = require "assay.native"
local json, sys = native.json, native.sys

local keys = {}

-- Settings of the run that change numbers. runtime: the one that evaluates the variant; absent where none does.
function keys.numerics(runtime)
   local settings = sys.settings()
   local packed = runtime == "packed" or nil
   return { dtype = settings.dtype, device = settings.device, assay = settings.version, runtime = packed and runtime,
            kernel = packed and native.model.packed_kernel() }
end

-- { [component id] = hash of its plugin file } for the quantizer and the transforms of a recipe.
function keys.components(recipe)
   local versions = json.object()
   local q = recipe.data.quantizer
   local parts = q and { { "quantizer", q.id } } or {}
   for _, transform in ipairs(recipe.data.transforms or {}) do parts[#parts + 1] = { "transform", transform.id } end
   for _, part in ipairs(parts) do
      local facts = native.plugin.describe(part[1], part[2])
      versions[part[2]] = facts and facts.sha256 or "unknown"
   end
   return versions
end

return keys
