-- GPTAQ (Li et al., arXiv 2504.02692): like gptq, but the goal of a layer is the output that the float model has for its own inputs.
-- So every sequence runs through the float and the quantized model ("asymmetric" propagation). Formula and deviations: plugins/METHODS.md.
return {
   name = "gptaq",
   summary = "error feedback towards the float model's own outputs",
   calibrated = true,
   plugins = {
      quantizer = {
         id = "gptaq",
         takes = { "bits", "symmetric", "scale_from", "scale_to", "alpha", "act_order", "damping", group = "group_size" },
      },
   },
   options = {
      sink = { type = "number", default = 0, min = 0, about = "weight of position 0 in the Hessian" },
   },
   recipe = function(o, plugin)
      return { quantizer = plugin.quantizer, sink_weight = o.sink, propagation = "asymmetric" }
   end,
}
