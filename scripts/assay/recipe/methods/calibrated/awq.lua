-- Activation-aware scaling (Lin et al., arXiv 2306.00978), then round to nearest on plain grids.
return {
   name = "awq",
   summary = "activation-aware scaling, then round to nearest",
   calibrated = true,
   options = {
      bits = { type = "integer", default = 4, min = 2, max = 8, about = "bits of a weight" },
      group = { type = "integer", default = 64, min = -1, about = "weights per scale, -1 = row" },
      symmetric = { type = "boolean", default = true, about = "no zero point" },
      duo_scaling = { type = "string", default = "both", one_of = { "off", "only", "both" },
                      about = "divide by the weights' own statistic" },
      loss = { type = "string", default = "gram", one_of = { "gram", "parent" },
               about = "judge scales behind the linears, or behind attention and MLP (slower)" },
      loss_tokens = { type = "integer", default = 2048, min = 64, about = "tokens of a trial behind the parent" },
      clip = { type = "string", default = "off", one_of = { "off", "symmetric", "asymmetric" },
               about = "search limits of each grid" },
   },
   recipe = function(o)
      return {
         transforms = { { id = "awq", config = { duo_scaling = o.duo_scaling, loss = o.loss,
                                                 loss_tokens = o.loss_tokens, clip = o.clip } } },
         quantizer = {
            id = "rtn",
            config = { bits = o.bits, group_size = math.max(o.group, 0), symmetric = o.symmetric },
         },
      }
   end,
}
