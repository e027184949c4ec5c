-- AdaRound (Nagel et al., arXiv 2004.10568): learns for every weight whether to round up or down. The loss is computed from the Hessian
-- (sum of x xᵀ), so inputs need not be stored. Formula and deviations: plugins/METHODS.md.
return {
   name = "adaround",
   summary = "learned rounding up or down, through the Hessian",
   calibrated = true,
   plugins = {
      quantizer = {
         id = "adaround",
         takes = { "bits", "symmetric", "scale_from", "scale_to", "start", "target", "iterations", group = "group_size" },
      },
   },
   options = {
      sink = { type = "number", default = 0, min = 0, about = "weight of position 0 in the Hessian" },
   },
   recipe = function(o, plugin)
      return { quantizer = plugin.quantizer, sink_weight = o.sink,
               propagation = o.target == "float" and "asymmetric" or "quantized" }
   end,
}
