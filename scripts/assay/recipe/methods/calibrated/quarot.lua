-- Rotations, then error feedback, everything in 4 bits (Ashkboos et al., arXiv 2404.00456). R4 stays in the forward pass.
return {
   name = "quarot",
   summary = "Hadamard rotations, then gptq; weights, inputs and cache in few bits",
   calibrated = true,
   options = {
      bits = { type = "integer", default = 4, min = 2, max = 8, about = "bits of a weight" },
      group = { type = "integer", default = -1, min = -1, about = "weights per scale, -1 = row" },
      activation = { type = "integer", default = 4, min = 2, max = 16, about = "bits of an input, 16 = float" },
      kv = { type = "integer", default = 4, min = 2, max = 16, about = "bits of the cache, 16 = float" },
      clip = { type = "number", default = 0.9, min = 0.1, max = 1, about = "share of an input's range covered" },
      quantizer = { type = "string", default = "gptq", one_of = { "gptq", "rtn" }, about = "of the turned weights" },
      r1 = { type = "boolean", default = true, about = "turn the residual stream" },
      r2 = { type = "boolean", default = true, about = "turn values, head by head" },
      r4 = { type = "boolean", default = true, about = "turn the input of down_proj, online" },
      signs = { type = "string", default = "random", one_of = { "random", "plain" }, about = "of the matrices" },
   },
   label = function(_, o)
      if o.scheme then return ("quarot %s %s"):format(o.quantizer, o.scheme:upper()) end
      local function bits(n, letter) return n < 16 and letter .. n or "" end
      return ("quarot %s W%d%s%s"):format(o.quantizer, o.bits, bits(o.activation, "A"), bits(o.kv, "KV"))
   end,
   recipe = function(o)
      local group = o.quantizer == "rtn" and math.max(o.group, 0) or o.group
      return {
         transforms = { { id = "rotation", config = { r1 = o.r1, r2 = o.r2, r4 = o.r4, signs = o.signs } } },
         quantizer = { id = o.quantizer, config = { bits = o.bits, group_size = group, symmetric = true } },
         activation = o.activation < 16 and { bits = o.activation, clip = o.activation < 8 and o.clip or 1 } or nil,
         kv = o.kv < 16 and { bits = o.kv, rotate = true } or nil,
      }
   end,
}
