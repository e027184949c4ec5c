-- Repeats a published study of SmoothQuant with sound statistics: eight-bit weights and inputs, with input ranges moved into the weights.
-- The larger alpha is, the more of the range is moved; with alpha 0 the scales follow the weights alone (plugins/METHODS.md). The recipe
-- `rtn W8` rounds weights only, to show what the rounding of inputs costs. With --set quick=true the study takes minutes.
local assay = require "assay"
local try = assay.if_available

local function w8a8(label, alpha)
   return try(label, function() return assay.method.smoothquant { alpha = alpha } end)
end

return require "assay.studies.published" {
   name = "smoothquant-study",
   title = "SmoothQuant: eight-bit weights and inputs",
   question = "Do eight-bit inputs hurt a small model, and does moving their ranges into the weights help?",
   recipes = function(quick)
      local recipes = {
         w8a8("smoothquant W8A8 a0.8", 0.8),
         w8a8("smoothquant W8A8 a0", 0.0),
         try("rtn W8 per channel", function() return assay.method.rtn { bits = 8, group = -1 } end),
      }
      if not quick then
         table.insert(recipes, w8a8("smoothquant W8A8 a0.5", 0.5))
         table.insert(recipes, try("fp8", function() return assay.method.fp8 {} end))
      end
      return recipes
   end,
}
