-- Round to nearest: each group gets the scale of its largest weight. The yardstick of every method.
return {
   name = "rtn",
   summary = "round to nearest, no calibration",
   plugins = { quantizer = { id = "rtn", takes = { "bits", "symmetric", group = "group_size" } } },
   recipe = function(_, plugin) return { quantizer = plugin.quantizer } end,
}
