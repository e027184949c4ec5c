-- Round to nearest: the largest weight of each group fixes the scale of the group. The simplest method, with which others are compared.
return {
   name = "rtn",
   summary = "round to nearest, no calibration",
   plugins = { quantizer = { id = "rtn", takes = { "bits", "symmetric", group = "group_size" } } },
   recipe = function(_, plugin) return { quantizer = plugin.quantizer } end,
}
