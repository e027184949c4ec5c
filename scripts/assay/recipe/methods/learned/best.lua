-- The method best is our own combination of steps. First comes gptq (large columns first, searched scales). It gets the
-- inputs that the already quantized layers give, and a Hessian that also counts position 0, which many heads attend to.
-- Then scales and norms are trained, so that the model's distribution comes close to the float model's. If inputs are
-- rounded too ({ scheme = "w8a8" }), rotations come before gptq, because outliers in the inputs cause most of the
-- error. In this case nothing is trained, because rounding has no gradient. Figures: reports/methods-on-smollm2.md.
local schemes = require "assay.recipe.scheme"

local function rounds_inputs(o) return o.scheme ~= nil and schemes.parse(o.scheme, "assay.method.best").activation ~= nil end

return {
   name = "best",
   summary = "gptq with searched scales and with position 0 in the Hessian, then trained scales",
   calibrated = true,
   plugins = { quantizer = { id = "gptq", takes = { "bits", "symmetric", "scale_from", "scale_to", group = "group_size" } } },
   options = {
      sink = { type = "number", default = 0.3, min = 0, about = "weight of position 0 in the Hessian" },
      propagation = { type = "string", default = "quantized",
                      about = "inputs of a layer: fp (of the float model) or quantized (of the quantized layers)" },
      tune = { type = "any", default = true, about = "train scales and norms at the end, unless inputs are rounded" },
   },
   recipe = function(o, plugin)
      -- three bits leave larger errors to correct, so the training steps are twice as large
      if o.tune == true and o.bits <= 3 then o.tune = { rate = 0.002 } end
      if rounds_inputs(o) then o.tune = false end
      return {
         transforms = rounds_inputs(o) and { { id = "rotation" } } or nil,
         quantizer = plugin.quantizer,
         propagation = o.propagation,
      }
   end,
   label = function(name, o)
      local bits = o.scheme and o.scheme:upper() or "W" .. o.bits
      local label = ("%s %s %s"):format(name, bits, o.group == -1 and "per channel" or "g" .. o.group)
      if o.symmetric == false then label = label .. " asym" end
      if o.sink ~= 0.3 then label = ("%s sink %g"):format(label, o.sink) end
      if o.propagation ~= "quantized" then label = label .. " from " .. o.propagation end
      return label
   end,
}
