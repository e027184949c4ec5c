-- HQQ, half-quadratic quantization: searches a zero point for each group so that only few weights have a large error. The zero point is a
-- real number, not an integer. The method needs no calibration data.
return {
   name = "hqq",
   summary = "half-quadratic search of real-valued zero points",
   plugins = { quantizer = { id = "hqq", takes = { "bits", group = "group_size" } } },
   recipe = function(_, plugin) return { quantizer = plugin.quantizer } end,
}
