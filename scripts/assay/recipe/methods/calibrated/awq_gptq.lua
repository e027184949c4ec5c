-- Activation-aware scaling before error feedback: the two published methods in a row.
return {
   name = "awq_gptq",
   summary = "activation-aware scaling, then gptq",
   calibrated = true,
   plugins = { quantizer = { id = "gptq", takes = { "bits", "symmetric", group = "group_size" } } },
   recipe = function(_, plugin)
      return { transforms = { { id = "awq" } }, quantizer = plugin.quantizer }
   end,
}
