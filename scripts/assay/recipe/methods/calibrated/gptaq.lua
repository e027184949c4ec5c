-- GPTAQ (Li et al., arXiv 2504.02692): gptq that aims at the float model's outputs for the float model's own inputs. So every
-- sequence runs through the float and the quantized model. Formula and deviations: plugins/METHODS.md.
return {
   name = "gptaq",
   summary = "error feedback towards the float model's own outputs",
   calibrated = true,
   plugins = {
      quantizer = {
         id = "gptaq",
         takes = { "bits", "symmetric", "alpha", "act_order", "damping", group = "group_size" },
      },
   },
   options = {
      sink = { type = "number", default = 0, min = 0, about = "weight of position 0 in H" },
   },
   recipe = function(o, plugin)
      return { quantizer = plugin.quantizer, sink_weight = o.sink, propagation = "asymmetric" }
   end,
}
