-- Activation-aware scaling (Lin et al., arXiv 2306.00978), then round to nearest on plain grids.
return {
   name = "awq",
   summary = "activation-aware scaling, then round to nearest",
   calibrated = true,
   plugins = {
      transform = { id = "awq", takes = { "duo_scaling", "loss", "loss_tokens", "clip" } },
      -- groups of 64 as in the other calibrated methods, so that their reports compare methods alone
      quantizer = { id = "rtn", takes = { "bits", "symmetric", group = "group_size" }, defaults = { group = 64 } },
   },
   recipe = function(_, plugin)
      return { transforms = { plugin.transform }, quantizer = plugin.quantizer }
   end,
}
