-- A method page's rule that calls itself awq: scales are the square root of mean|x|, nothing is searched.
return {
   name = "awq_sqrt",
   summary = "scaling by sqrt(mean|x|), then round to nearest",
   calibrated = true,
   options = {
      bits = { type = "integer", default = 4, min = 2, max = 8, about = "bits of a weight" },
      group = { type = "integer", default = 128, min = -1, about = "weights per scale, -1 = row" },
      symmetric = { type = "boolean", default = true, about = "no zero point" },
   },
   recipe = function(o)
      return {
         transforms = { { id = "awq_sqrt" } },
         quantizer = {
            id = "rtn",
            config = { bits = o.bits, group_size = math.max(o.group, 0), symmetric = o.symmetric },
         },
      }
   end,
}
