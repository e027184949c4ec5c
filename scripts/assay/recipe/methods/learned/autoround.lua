-- Signed gradient descent on roundings and ranges of a whole block, against the float model's output (Cheng et al.,
-- arXiv 2309.05516). Formula and deviations: plugins/METHODS.md.
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
      propagation = { type = "string", default = "asymmetric", about = "fp, quantized or asymmetric inputs" },
   },
   recipe = function(o, plugin)
      -- in the recipe only where it differs: results were stored before there was a choice
      if o.compute == "float32" then plugin.quantizer.config.compute = nil end
      return { quantizer = plugin.quantizer, propagation = o.propagation }
   end,
}
