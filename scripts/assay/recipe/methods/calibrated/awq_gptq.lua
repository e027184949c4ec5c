-- Activation-aware scaling before error feedback: the two published methods in a row.
return {
   name = "awq_gptq",
   summary = "activation-aware scaling, then gptq",
   calibrated = true,
   options = {
      bits = { type = "integer", default = 4, min = 2, max = 8, about = "bits of a weight" },
      group = { type = "integer", default = 64, min = -1, about = "weights per scale, -1 = row" },
      symmetric = { type = "boolean", default = true, about = "no zero point" },
   },
   recipe = function(o)
      return {
         transforms = { { id = "awq" } },
         quantizer = {
            id = "gptq",
            config = { bits = o.bits, group_size = o.group, symmetric = o.symmetric },
         },
      }
   end,
}
