-- Ours: gptq with act-order on static searched grids, a Hessian that also counts the attention sink (position 0), and
-- inputs from the already quantized part. Figures: plugins/quantizers/hessian/README.md.
return {
   name = "best",
   summary = "searched static grids, error feedback, sink-aware Hessian",
   calibrated = true,
   options = {
      bits = { type = "integer", default = 4, min = 2, max = 8, about = "bits of a weight" },
      group = { type = "integer", default = 64, min = -1, about = "weights per scale, -1 = row" },
      symmetric = { type = "boolean", default = true, about = "no zero point" },
   },
   recipe = function(o)
      return {
         quantizer = {
            id = "gptq",
            config = { bits = o.bits, group_size = o.group, symmetric = o.symmetric },
         },
         sink_weight = 0.3,
         propagation = "quantized",
      }
   end,
}
