-- SmoothQuant (Xiao et al., arXiv 2211.10438): 8-bit weights and inputs. Large input channels are divided by a factor, and the weights
-- multiplied by it, so that inputs round well. Inputs have one scale for each token.
return {
   name = "smoothquant",
   summary = "8-bit weights and inputs, ranges moved into the weights",
   calibrated = true,
   plugins = { transform = { id = "smoothquant", takes = { "alpha", "groups", "search", "attention" } } },
   scheme_bits = 8,
   label = function(_, o)
      local how = o.search and "searched" or ("a%g"):format(o.alpha)
      return ("smoothquant %s %s"):format(o.scheme and o.scheme:upper() or "W8A8", how)
   end,
   recipe = function(_, plugin)
      return {
         transforms = { plugin.transform },
         quantizer = { id = "rtn", config = { bits = 8, group_size = -1, symmetric = true } },
         activation = { bits = 8 },
      }
   end,
}
