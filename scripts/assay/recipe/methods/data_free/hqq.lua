-- HQQ, half-quadratic quantization: searches for each group a zero point, a real number, with which only few weights have a large
-- error. It needs no calibration data.
return {
   name = "hqq",
   summary = "half-quadratic search of real-valued zero points",
   plugins = { quantizer = { id = "hqq", takes = { "bits", group = "group_size" } } },
   recipe = function(_, plugin) return { quantizer = plugin.quantizer } end,
}
