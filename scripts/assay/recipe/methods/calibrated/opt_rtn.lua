-- Round to nearest with searched scales: the scale of each group is the one with the least error, where the error of a weight counts
-- by the mean square of its input.
return {
   name = "opt_rtn",
   summary = "round to nearest, scales searched with mean x^2",
   calibrated = true,
   plugins = { quantizer = { id = "opt_rtn", takes = { "bits", "symmetric", group = "group_size" } } },
   recipe = function(_, plugin) return { quantizer = plugin.quantizer, propagation = "fp" } end,
}
