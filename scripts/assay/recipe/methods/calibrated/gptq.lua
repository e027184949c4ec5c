-- Error feedback through the inverse Hessian (Frantar et al., arXiv 2210.17323), act-order on static searched grids.
return {
   name = "gptq",
   summary = "error feedback through the inverse Hessian",
   calibrated = true,
   plugins = {
      quantizer = {
         id = "gptq",
         takes = { "bits", "symmetric", "act_order", "block_size", "static_groups", "damping", group = "group_size" },
      },
   },
   options = {
      sink = { type = "number", default = 0, min = 0, about = "weight of position 0 in H" },
      propagation = { type = "string", default = "quantized", about = "fp, quantized or asymmetric inputs" },
   },
   recipe = function(o, plugin)
      return { quantizer = plugin.quantizer, sink_weight = o.sink, propagation = o.propagation }
   end,
}
