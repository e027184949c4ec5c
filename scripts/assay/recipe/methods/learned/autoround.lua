-- Signed gradient descent on roundings and ranges of a whole block, against the float model's output (Cheng et al.,
-- arXiv 2309.05516). Formula and deviations: plugins/quantizers/signround/README.md.
return {
   name = "autoround",
   summary = "signed gradient descent on roundings and ranges",
   calibrated = true,
   options = {
      bits = { type = "integer", default = 4, min = 2, max = 8, about = "bits of a weight" },
      group = { type = "integer", default = 64, min = -1, about = "weights per scale, -1 = row" },
      symmetric = { type = "boolean", default = true, about = "no zero point" },
      iterations = { type = "integer", default = 200, min = 1, about = "steps for each block" },
      batch = { type = "integer", default = 8, min = 1, about = "sequences of a step" },
      start = { type = "string", default = "weighted", one_of = { "weighted", "range" },
                about = "scale of least weighted error, or the range's" },
      compute = { type = "string", default = "float32", one_of = { "float32", "bfloat16" },
                  about = "products of the gradients; results must not depend on the machine by default" },
      propagation = { type = "string", default = "asymmetric", about = "fp, quantized or asymmetric inputs" },
   },
   recipe = function(o)
      return {
         quantizer = {
            id = "autoround",
            config = {
               bits = o.bits, group_size = o.group, symmetric = o.symmetric, iterations = o.iterations,
               batch = o.batch, start = o.start,
               compute = o.compute ~= "float32" and o.compute or nil,
            },
         },
         propagation = o.propagation,
      }
   end,
}
