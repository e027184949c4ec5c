-- Schemes as one word: "w4a16", "w8a8", "w4a8kv8", "w8afp8kvfp8", "w8a8-static": bits of weights, activations, cache.
-- Not the rounding itself: the parts become the recipe's bits, activation and kv.
local fail = require "assay.lib.fail"

local scheme = {}

local function grid(text)
   if text == "fp8" then return { type = "fp8", bits = 8 } end
   return { type = "int", bits = math.tointeger(tonumber(text)) }
end

-- text -> { bits, activation, kv }; activation and kv are nil where the scheme leaves them in float.
function scheme.parse(text, where)
   local word, static = text:lower(), false
   if word:find "%-static$" then word, static = word:sub(1, -8), true end
   local weights, rest = word:match "^w(%d+)(.*)$"
   local inputs, cache = "16", "16"
   if rest and rest ~= "" then
      local a, after = rest:match "^a(%d+)(.*)$"
      if not a then a, after = rest:match "^a(fp8)(.*)$" end
      if a then inputs, rest = a, after end
      local kv = rest:match "^kv(%d+)$" or rest:match "^kv(fp8)$"
      if kv then cache, rest = kv, "" end
   end
   if not weights or rest ~= "" then
      fail.usage(("%s: '%s' is no scheme"):format(where, text),
                 "Write the bits of weights, activations and cache: w4a16, w8a8, w4a8kv8, w8afp8kvfp8")
   end
   local out = { bits = math.tointeger(tonumber(weights)) }
   if inputs ~= "16" then
      out.activation = grid(inputs)
      out.activation.strategy = static and "tensor" or "token"
   elseif static then
      fail.usage(("%s: '%s' has no activations to scale"):format(where, text),
                 "Static scales are for a8 and afp8")
   end
   if cache ~= "16" then
      out.kv = grid(cache)
      if cache == "fp8" then out.kv.strategy = "tensor" end  -- what a checkpoint can hold
   end
   return out
end

-- True where a scale comes from a calibration.
function scheme.needs_calibration(parts)
   local static = { tensor = true, head = true }
   local function asks(part) return part ~= nil and static[part.strategy] == true end
   return asks(parts.activation) or asks(parts.kv)
end

return scheme
