-- Reads a scheme: the bits of weights (w), inputs (a, activations) and key-value cache (kv) in one word, such as "w4a16", "w8a8",
-- "w4a8kv8", "w8afp8kvfp8" or "w8a8-static". Its parts become `bits`, `activation` and `kv` of the recipe.
local fail = require "assay.lib.fail"

local scheme = {}

local function grid(text)
   if text == "fp8" then return { type = "fp8", bits = 8 } end
   return { type = "int", bits = math.tointeger(tonumber(text)) }
end

-- Returns { bits, activation, kv }; activation and kv are nil if the scheme leaves them in float. Inputs get one scale for each token,
-- with "-static" one fixed scale for the tensor. where: the beginning of error messages.
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
      if cache == "fp8" then out.kv.strategy = "tensor" end -- checkpoints can store an fp8 cache only with one scale per tensor
   end
   return out
end

-- Whether the scheme has fixed scales, which need a calibration. Scales for each token are computed while the model runs.
function scheme.needs_calibration(parts)
   local static = { tensor = true, head = true }
   local function asks(part) return part ~= nil and static[part.strategy] == true end
   return asks(parts.activation) or asks(parts.kv)
end

return scheme
