-- AWQ's scaling (awq.lua), then gptq (gptq.lua): two published methods, one after the other.
return {
   name = "awq_gptq",
   summary = "activation-aware scaling, then gptq",
   calibrated = true,
   plugins = { quantizer = { id = "gptq", takes = { "bits", "symmetric", "scale_from", "scale_to", group = "group_size" } } },
   recipe = function(_, plugin)
      return { transforms = { { id = "awq" } }, quantizer = plugin.quantizer }
   end,
}
