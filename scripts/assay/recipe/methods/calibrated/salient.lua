-- Mixed precision by column: what matters most is kept wider, the rest goes through gptq (OWQ, Lee et al., arXiv
-- 2306.02272). Bits are counted with indices. Formats and deviations: plugins/quantizers/hessian/README.md.
return {
   name = "salient",
   summary = "the most important columns at a higher width",
   calibrated = true,
   options = {
      bits = { type = "integer", default = 4, min = 2, max = 8, about = "bits of a weight" },
      group = { type = "integer", default = 64, min = -1, about = "weights per scale, -1 = row" },
      symmetric = { type = "boolean", default = true, about = "no zero point" },
      ratio = { type = "number", default = 0.01, min = 0.001, max = 0.5, about = "share of the columns" },
      dynamic = { type = "boolean", default = false, about = "as many as stand out of a layer, 0.5 to 5 %" },
      rank = { type = "string", default = "loss", one_of = { "loss", "activation" }, about = "what is salient" },
      high = { type = "integer", default = 16, one_of = { 8, 16 }, about = "bits of the salient columns" },
      middle = { type = "integer", default = 0, about = "bits of the columns next in rank, 0 = none" },
      middle_ratio = { type = "number", default = 0.1, min = 0.01, max = 0.9, about = "share of those" },
      rounding = { type = "string", default = "gptq", one_of = { "gptq", "rtn" }, about = "of the rest" },
      sink = { type = "number", default = 0, min = 0, about = "weight of position 0 in H" },
   },
   label = function(_, o)
      local widths = o.middle > 0 and ("%d/%d/%d"):format(o.bits, o.middle, o.high) or ("%d+%d"):format(o.bits, o.high)
      return ("salient %s g%d %s"):format(widths, o.group, o.dynamic and "dynamic" or ("%g%%"):format(100 * o.ratio))
   end,
   recipe = function(o)
      return {
         quantizer = {
            id = "salient",
            config = {
               bits = o.bits, group_size = o.group, symmetric = o.symmetric, ratio = o.ratio, dynamic = o.dynamic,
               rank = o.rank, high_bits = o.high, middle_bits = o.middle, middle_ratio = o.middle_ratio,
               rounding = o.rounding,
            },
         },
         sink_weight = o.sink,
      }
   end,
}
