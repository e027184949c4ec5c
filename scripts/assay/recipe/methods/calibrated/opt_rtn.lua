-- Round to nearest with searched scales: of the scales tried for a group, the one with the least error is taken. This error is the
-- sum over weights of the squared error times the mean square of the weight's input. The inputs are those of the float model.
return {
   name = "opt_rtn",
   summary = "round to nearest, scales searched with mean x^2",
   calibrated = true,
   plugins = { quantizer = { id = "opt_rtn", takes = { "bits", "symmetric", "scale_from", "scale_to", group = "group_size" } } },
   recipe = function(_, plugin) return { quantizer = plugin.quantizer, propagation = "fp" } end,
}
