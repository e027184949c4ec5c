-- gptq whose target is what the float model gives on its own inputs (Li et al., arXiv 2504.02692): every sequence runs
-- through both models. Formula and deviations: plugins/quantizers/hessian/README.md.
return {
   name = "gptaq",
   summary = "error feedback towards the float model's own outputs",
   calibrated = true,
   options = {
      bits = { type = "integer", default = 4, min = 2, max = 8, about = "bits of a weight" },
      group = { type = "integer", default = 64, min = -1, about = "weights per scale, -1 = row" },
      symmetric = { type = "boolean", default = true, about = "no zero point" },
      alpha = { type = "number", default = 0.25, min = 0, max = 1, about = "share of the correction" },
      act_order = { type = "boolean", default = true, about = "columns by falling diag H" },
      damping = { type = "number", default = 0.05, min = 0, about = "of mean(diag H)" },
      sink = { type = "number", default = 0, min = 0, about = "weight of position 0 in H" },
   },
   recipe = function(o)
      return {
         quantizer = {
            id = "gptaq",
            config = {
               bits = o.bits, group_size = o.group, symmetric = o.symmetric, alpha = o.alpha,
               act_order = o.act_order, damping = o.damping,
            },
         },
         sink_weight = o.sink,
         propagation = "asymmetric",
      }
   end,
}
