-- W8A8: activation ranges moved into the weights (Xiao et al., arXiv 2211.10438), inputs rounded for each token.
return {
   name = "smoothquant",
   summary = "8-bit weights and inputs, ranges moved into the weights",
   calibrated = true,
   options = {
      alpha = { type = "number", default = 0.8, min = 0, max = 1, about = "share of the range moved" },
      groups = { type = "string", default = "norm", about = "norm (as published) or all" },
   },
   label = function(_, o) return ("smoothquant W8A8 a%g"):format(o.alpha) end,
   recipe = function(o)
      return {
         transforms = { { id = "smoothquant", config = { alpha = o.alpha, groups = o.groups } } },
         quantizer = { id = "rtn", config = { bits = 8, group_size = 0, symmetric = true } },
         activation = { bits = 8 },
      }
   end,
}
