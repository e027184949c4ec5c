-- Error feedback through the inverse Hessian (Frantar et al., arXiv 2210.17323), act-order on static searched grids.
return {
   name = "gptq",
   summary = "error feedback through the inverse Hessian",
   calibrated = true,
   options = {
      bits = { type = "integer", default = 4, min = 2, max = 8, about = "bits of a weight" },
      group = { type = "integer", default = 64, min = -1, about = "weights per scale, -1 = row" },
      symmetric = { type = "boolean", default = true, about = "no zero point" },
      act_order = { type = "boolean", default = true, about = "columns by falling diag H" },
      block_size = { type = "integer", default = 128, min = 1, about = "columns between products" },
      static_groups = { type = "boolean", default = true, about = "grids fitted before feedback" },
      damping = { type = "number", default = 0.05, min = 0, about = "of mean(diag H)" },
      sink = { type = "number", default = 0, min = 0, about = "weight of position 0 in H" },
      propagation = { type = "string", default = "quantized", about = "fp, quantized or asymmetric inputs" },
   },
   recipe = function(o)
      return {
         quantizer = {
            id = "gptq",
            config = {
               bits = o.bits, group_size = o.group, symmetric = o.symmetric, act_order = o.act_order,
               static_groups = o.static_groups, damping = o.damping, block_size = o.block_size,
            },
         },
         sink_weight = o.sink,
         propagation = o.propagation,
      }
   end,
}
