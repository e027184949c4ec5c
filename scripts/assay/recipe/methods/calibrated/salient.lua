-- Mixed precision by column, as in OWQ (Lee et al., arXiv 2306.02272): the most important columns keep more bits, the others are
-- rounded by gptq. The counted bits include the indices of the important columns. Formats and deviations: plugins/METHODS.md.
return {
   name = "salient",
   summary = "the most important columns at a higher width",
   calibrated = true,
   plugins = {
      quantizer = {
         id = "salient",
         takes = { "bits", "symmetric", "scale_from", "scale_to", "ratio", "dynamic", "rank", "rounding", "middle_ratio",
                   group = "group_size", high = "high_bits", middle = "middle_bits" },
      },
   },
   options = {
      sink = { type = "number", default = 0, min = 0, about = "weight of position 0 in the Hessian" },
   },
   label = function(_, o)
      local widths = o.middle > 0 and ("%d/%d/%d"):format(o.bits, o.middle, o.high) or ("%d+%d"):format(o.bits, o.high)
      return ("salient %s g%d %s"):format(widths, o.group, o.dynamic and "dynamic" or ("%g%%"):format(100 * o.ratio))
   end,
   recipe = function(o, plugin)
      return { quantizer = plugin.quantizer, sink_weight = o.sink }
   end,
}
