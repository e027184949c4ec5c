-- Round to nearest with searched scales: the scale of each group is the one with the least squared error, where the error of each
-- weight is multiplied by the mean square of its input. The inputs are those of the float model (propagation "fp").
return {
   name = "opt_rtn",
   summary = "round to nearest, scales searched with mean x^2",
   calibrated = true,
   plugins = { quantizer = { id = "opt_rtn", takes = { "bits", "symmetric", group = "group_size" } } },
   recipe = function(_, plugin) return { quantizer = plugin.quantizer, propagation = "fp" } end,
}
