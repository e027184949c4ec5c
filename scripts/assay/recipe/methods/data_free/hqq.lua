-- Half-quadratic quantization: real-valued zero points that make the residual sparse. Data-free.
return {
   name = "hqq",
   summary = "half-quadratic search of real-valued zero points",
   options = {
      bits = { type = "integer", default = 4, min = 2, max = 8, about = "bits of a weight" },
      group = { type = "integer", default = 64, min = -1, about = "weights per scale, -1 = row" },
   },
   recipe = function(o)
      return { quantizer = { id = "hqq", config = { bits = o.bits, group_size = math.max(o.group, 0) } } }
   end,
}
