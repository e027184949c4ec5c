-- Round to nearest on searched scales: each group's scale loses least where inputs are large.
return {
   name = "opt_rtn",
   summary = "round to nearest, scales searched with mean x^2",
   calibrated = true,
   plugins = { quantizer = { id = "opt_rtn", takes = { "bits", "symmetric", group = "group_size" } } },
   recipe = function(_, plugin) return { quantizer = plugin.quantizer, propagation = "fp" } end,
}
