-- AutoRound (Cheng et al., arXiv 2309.05516): signed gradient descent on the roundings and ranges of a whole block, so that its output
-- comes close to the float model's. Formula and deviations: plugins/METHODS.md.
return {
   name = "autoround",
   summary = "signed gradient descent on roundings and ranges",
   calibrated = true,
   plugins = {
      quantizer = {
         id = "autoround",
         takes = { "bits", "symmetric", "iterations", "batch", "start", "compute", group = "group_size" },
      },
   },
   options = {
      propagation = { type = "string", default = "asymmetric",
                      about = "inputs of a layer: fp (of the float model), quantized (of the quantized layers), asymmetric (both)" },
   },
   recipe = function(o, plugin)
      -- the default is left out of the recipe, so that results stored before this option existed keep their keys
      if o.compute == "float32" then plugin.quantizer.config.compute = nil end
      return { quantizer = plugin.quantizer, propagation = o.propagation }
   end,
}
