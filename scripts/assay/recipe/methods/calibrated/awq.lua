-- AWQ (Lin et al., arXiv 2306.00978): scales up those weight columns whose inputs are large, so that rounding harms
-- these columns less. Then it rounds to nearest.
return {
   name = "awq",
   summary = "activation-aware scaling, then round to nearest",
   calibrated = true,
   plugins = {
      transform = { id = "awq", takes = { "duo_scaling", "loss", "loss_tokens", "clip" } },
      -- groups of 64 as in the other calibrated methods, so that a comparison shows the methods and not the groups
      quantizer = { id = "rtn", takes = { "bits", "symmetric", group = "group_size" }, defaults = { group = 64 } },
   },
   recipe = function(_, plugin)
      return { transforms = { plugin.transform }, quantizer = plugin.quantizer }
   end,
}
