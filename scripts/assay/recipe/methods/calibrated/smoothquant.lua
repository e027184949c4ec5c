-- W8A8: activation ranges moved into the weights (Xiao et al., arXiv 2211.10438), inputs rounded for each token.
return {
   name = "smoothquant",
   summary = "8-bit weights and inputs, ranges moved into the weights",
   calibrated = true,
   options = {
      alpha = { type = "number", default = 0.8, min = 0, max = 1, about = "share of the range moved" },
      groups = { type = "string", default = "norm", one_of = { "norm", "all" }, about = "norm is as published" },
      search = { type = "boolean", default = false, about = "alpha for each group behind a norm, by its loss" },
      attention = { type = "string", default = "off", one_of = { "off", "head" },
                    about = "also even out keys against queries, head by head" },
   },
   scheme_bits = 8,
   label = function(_, o)
      local how = o.search and "searched" or ("a%g"):format(o.alpha)
      return ("smoothquant %s %s"):format(o.scheme and o.scheme:upper() or "W8A8", how)
   end,
   recipe = function(o)
      return {
         transforms = { { id = "smoothquant", config = { alpha = o.alpha, groups = o.groups,
                                                         search = o.search, attention = o.attention } } },
         quantizer = { id = "rtn", config = { bits = 8, group_size = 0, symmetric = true } },
         activation = { bits = 8 },
      }
   end,
}
