-- Repeats a published study of AWQ (activation-aware scaling before rounding) with sound statistics. It asks whether AWQ keeps a small
-- model usable at four bits, and whether it beats plain rounding at the same size. With --set quick=true it takes minutes.
-- scripts/assay/studies/published.lua has the models, the tasks and the other settings.
local assay = require "assay"
local try = assay.if_available

return require "assay.studies.published" {
   name = "awq-study",
   title = "AWQ in four bits, with plain rounding and gptq beside it",
   question = "Does activation-aware scaling keep the model usable at four bits, and is it better than rounding of the same size?",
   recipes = function(quick)
      local recipes = {
         try("awq W4 g64", function() return assay.method.awq { bits = 4, group = 64 } end),
         try("rtn W4 g64", function() return assay.method.rtn { bits = 4, group = 64 } end),
         try("awq_gptq W4 g64", function() return assay.method.awq_gptq { bits = 4, group = 64 } end),
      }
      if not quick then
         table.insert(recipes, try("awq W4 g128", function() return assay.method.awq { bits = 4, group = 128 } end))
         table.insert(recipes, try("awq W3 g64", function() return assay.method.awq { bits = 3, group = 64 } end))
         table.insert(recipes, try("gptq W4 g64", function() return assay.method.gptq { bits = 4, group = 64 } end))
      end
      return recipes
   end,
}
