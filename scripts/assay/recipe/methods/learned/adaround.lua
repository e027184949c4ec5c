-- Learned rounding up or down for every weight (Nagel et al., arXiv 2004.10568), through the Hessian, so that no
-- activation is replayed. Formula and deviations: plugins/quantizers/hessian/README.md.
return {
   name = "adaround",
   summary = "learned rounding up or down, through the Hessian",
   calibrated = true,
   options = {
      bits = { type = "integer", default = 4, min = 2, max = 8, about = "bits of a weight" },
      group = { type = "integer", default = 64, min = -1, about = "weights per scale, -1 = row" },
      symmetric = { type = "boolean", default = true, about = "no zero point" },
      start = { type = "string", default = "rtn", one_of = { "rtn", "gptq" }, about = "values that are rounded" },
      target = { type = "string", default = "same_input", one_of = { "same_input", "float" },
                 about = "outputs on the same inputs, or the float model's" },
      iterations = { type = "integer", default = 300, min = 1, about = "steps for each linear" },
      sink = { type = "number", default = 0, min = 0, about = "weight of position 0 in H" },
   },
   recipe = function(o)
      return {
         quantizer = {
            id = "adaround",
            config = {
               bits = o.bits, group_size = o.group, symmetric = o.symmetric, start = o.start,
               target = o.target, iterations = o.iterations,
            },
         },
         sink_weight = o.sink,
         propagation = o.target == "float" and "asymmetric" or "quantized",
      }
   end,
}
