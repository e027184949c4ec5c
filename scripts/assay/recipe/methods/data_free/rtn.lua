-- Round to nearest. The largest absolute weight of a group fixes the group's scale; if `symmetric` is false, the smallest and the
-- largest weight fix it.
-- This is the simplest method, with which others are compared.
return {
   name = "rtn",
   summary = "round to nearest, no calibration",
   plugins = { quantizer = { id = "rtn", takes = { "bits", "symmetric", group = "group_size" } } },
   recipe = function(_, plugin) return { quantizer = plugin.quantizer } end,
}
