-- Blocks of GGUF files as in `gguf`, with the steps of `best`: a Hessian that also counts position 0, and scales and norms trained at the end.
-- The types are those of a mixture, or better those that an allocation chose for this model within the mixture's size:
--    a = assay.allocate { model = m, calibration = c, mixture = "Q4_K_M" }
--    q = m:quantize(assay.method.gguf_best { allocation = a }, c)
local mixtures = require "assay.recipe.mixtures"

local definition = mixtures.any()
local recipe = definition.recipe

definition.name = "gguf_best"
definition.summary = "GGUF blocks of measured types, error feedback, tuned scales"
definition.options.sink.default = 0.3
definition.options.tune = { type = "any", default = true, about = "train scales and norms at the end" }
definition.options.allocation = { type = "table", about = "assay.allocate { mixture = ... }: a type for each linear" }

definition.label = function(_, o) return ("gguf_best %s%s"):format(o.mixture, o.allocation and "" or " as it is") end

-- The allocation's types come after the mixture's and before the user's own.
definition.recipe = function(o, plugin)
   if o.allocation then
      o.mixture = o.allocation.mixture
      local list = o.allocation:overrides()
      o.overrides = table.move(o.overrides or {}, 1, #(o.overrides or {}), #list + 1, list)
   end
   return recipe(o, plugin)
end

return definition
