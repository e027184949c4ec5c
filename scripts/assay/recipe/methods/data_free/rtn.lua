-- Round to nearest: each group gets the scale of its largest weight. The yardstick of every method.
return {
   name = "rtn",
   summary = "round to nearest, no calibration",
   options = {
      bits = { type = "integer", default = 4, min = 2, max = 8, about = "bits of a weight" },
      group = { type = "integer", default = 128, min = -1, about = "weights per scale, -1 = row" },
      symmetric = { type = "boolean", default = true, about = "no zero point" },
   },
   recipe = function(o)
      return {
         quantizer = {
            id = "rtn",
            config = { bits = o.bits, group_size = math.max(o.group, 0), symmetric = o.symmetric },
         },
      }
   end,
}
