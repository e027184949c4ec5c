-- QuaRot (Ashkboos et al., arXiv 2404.00456): rotates the model so that no channel is much larger than the others, then applies gptq. By
-- default weights, inputs and cache get 4 bits. The rotation r4 (input of down_proj) cannot be put into the weights of the step
-- before, so the forward pass computes it.
return {
   name = "quarot",
   summary = "Hadamard rotations, then gptq; weights, inputs and cache in few bits",
   calibrated = true,
   plugins = {
      transform = { id = "rotation", takes = { "r1", "r2", "r4", "signs" } },
      -- one scale for each row is enough, because after a rotation no part of a row is much larger than the others
      quantizer = { id = "gptq", takes = { "bits", group = "group_size" }, defaults = { group = -1 } },
   },
   options = {
      activation = { type = "integer", default = 4, min = 2, max = 16, about = "bits of an input, 16 = float" },
      kv = { type = "integer", default = 4, min = 2, max = 16, about = "bits of the cache, 16 = float" },
      clip = { type = "number", default = 0.9, min = 0.1, max = 1, about = "share of an input's range that its grid covers" },
      quantizer = { type = "string", default = "gptq", one_of = { "gptq", "rtn" }, about = "quantizer of the rotated weights" },
   },
   label = function(_, o)
      if o.scheme then return ("quarot %s %s"):format(o.quantizer, o.scheme:upper()) end
      local function bits(n, letter) return n < 16 and letter .. n or "" end
      return ("quarot %s W%d%s%s"):format(o.quantizer, o.bits, bits(o.activation, "A"), bits(o.kv, "KV"))
   end,
   recipe = function(o, plugin)
      local quantizer = plugin.quantizer  -- made for gptq; rtn has the same keys, so only the id changes
      quantizer.id, quantizer.config.symmetric = o.quantizer, true
      return {
         transforms = { plugin.transform },
         quantizer = quantizer,
         activation = o.activation < 16 and { bits = o.activation, clip = o.activation < 8 and o.clip or 1 } or nil,
         kv = o.kv < 16 and { bits = o.kv, rotate = true } or nil,
      }
   end,
}
