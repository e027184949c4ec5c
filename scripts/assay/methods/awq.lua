-- Activation-aware scaling (Lin et al., arXiv 2306.00978), then round to nearest on plain grids.
return {
   name = "awq",
   summary = "activation-aware scaling, then round to nearest",
   calibrated = true,
   options = {
      bits = { type = "integer", default = 4, min = 2, max = 8, about = "bits of a weight" },
      group = { type = "integer", default = 64, min = -1, about = "weights per scale, -1 = row" },
      symmetric = { type = "boolean", default = true, about = "no zero point" },
      duo_scaling = { type = "string", default = "both", about = "off, only or both" },
   },
   recipe = function(o)
      return {
         transforms = { { id = "awq", config = { duo_scaling = o.duo_scaling } } },
         quantizer = {
            id = "rtn",
            config = { bits = o.bits, group_size = o.group, symmetric = o.symmetric },
         },
      }
   end,
}
