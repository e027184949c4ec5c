-- Repeats a published study of GPTQ with sound statistics: how much better is it than plain rounding of the same size? GPTQ corrects the
-- later columns of a weight for the rounding errors of the earlier ones. With --set quick=true it takes minutes.
-- scripts/assay/studies/published.lua has the models, the tasks and the other settings.
local assay = require "assay"
local try = assay.if_available

return require "assay.studies.published" {
   name = "gptq-study",
   title = "GPTQ in four and three bits, with rounding beside it",
   question = "How much better is error feedback through the Hessian than rounding of the same size, and at how few bits does it fail?",
   recipes = function(quick, calibration_of)
      local recipes = {
         try("gptq W4 g64", function() return assay.method.gptq { bits = 4, group = 64 } end),
         try("rtn W4 g64", function() return assay.method.rtn { bits = 4, group = 64 } end),
         try("gptq W3 g64", function() return assay.method.gptq { bits = 3, group = 64 } end),
      }
      if not quick then
         table.insert(recipes, try("gptq W4 g64 natural order", function()
            return assay.method.gptq { bits = 4, group = 64, act_order = false, static_groups = false,
                                       label = "gptq W4 g64 natural order" }
         end))
         table.insert(recipes, try("opt_rtn W4 g64", function() return assay.method.opt_rtn { bits = 4, group = 64 } end))
         -- These show how much depends on the calibration: recipes with fewer sequences, and one with as many, but other, sequences.
         for _, other in ipairs { { 16, 42 }, { 16, 43 }, { 48, 43 } } do
            local label = ("gptq W4 g64, %d sequences, seed %d"):format(other[1], other[2])
            table.insert(recipes, try(label, function()
               return assay.method.gptq { bits = 4, group = 64, calibration = calibration_of(other[1], other[2]), label = label }
            end))
         end
         table.insert(recipes, try("rtn W3 g64", function() return assay.method.rtn { bits = 3, group = 64 } end))
      end
      return recipes
   end,
}
