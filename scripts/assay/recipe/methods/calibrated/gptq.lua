-- GPTQ (Frantar et al., arXiv 2210.17323): rounds column by column and corrects the later columns for each error, by
-- means of the inverse Hessian. Columns with large inputs come first (act-order). By default the scales of all
-- groups are searched before the first column is rounded (option `static_groups`). The option `propagation` says
-- which inputs a layer gets: those of the float model (fp), or those that the already quantized layers give
-- (quantized). With `asymmetric` a layer gets the inputs of `quantized`, and its goal is the output that the float
-- model has for its own inputs.
return {
   name = "gptq",
   summary = "error feedback through the inverse Hessian",
   calibrated = true,
   plugins = {
      quantizer = {
         id = "gptq",
         takes = { "bits", "symmetric", "scale_from", "scale_to", "act_order", "block_size", "static_groups", "damping",
                   group = "group_size" },
      },
   },
   options = {
      sink = { type = "number", default = 0, min = 0, about = "weight of position 0 in the Hessian" },
      propagation = { type = "string", default = "quantized",
                      about = "inputs of a layer: fp (of the float model), quantized (of the quantized layers), asymmetric (both)" },
   },
   recipe = function(o, plugin)
      return { quantizer = plugin.quantizer, sink_weight = o.sink, propagation = o.propagation }
   end,
}
