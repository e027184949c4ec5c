-- A simpler rule that was also published as awq: the scale of an input channel is the square root of the channel's mean
-- absolute value, and nothing is searched.
return {
   name = "awq_sqrt",
   summary = "scaling by sqrt(mean|x|), then round to nearest",
   calibrated = true,
   plugins = { quantizer = { id = "rtn", takes = { "bits", "symmetric", group = "group_size" } } },
   recipe = function(_, plugin)
      return { transforms = { { id = "awq_sqrt" } }, quantizer = plugin.quantizer }
   end,
}
