-- Round to nearest on searched scales: each group's scale loses least where inputs are large.
return {
   name = "opt_rtn",
   summary = "round to nearest, scales searched with mean x^2",
   calibrated = true,
   options = {
      bits = { type = "integer", default = 4, min = 2, max = 8, about = "bits of a weight" },
      group = { type = "integer", default = 64, min = -1, about = "weights per scale, -1 = row" },
      symmetric = { type = "boolean", default = true, about = "no zero point" },
   },
   recipe = function(o)
      return {
         quantizer = {
            id = "opt_rtn",
            config = { bits = o.bits, group_size = o.group, symmetric = o.symmetric },
         },
         propagation = "fp",
      }
   end,
}
