-- Half-quadratic quantization: real-valued zero points that make the residual sparse. Data-free.
return {
   name = "hqq",
   summary = "half-quadratic search of real-valued zero points",
   plugins = { quantizer = { id = "hqq", takes = { "bits", group = "group_size" } } },
   recipe = function(_, plugin) return { quantizer = plugin.quantizer } end,
}
