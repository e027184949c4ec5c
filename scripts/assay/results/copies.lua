-- Finds pairs of quantized variants that are copies of each other: nearly all their answers are equal, and more than half of
-- these differ from the untouched model's. This is the part `identity` of report.json (sign F20). The identity gate P1 is something else.
local compare = require "assay.detectors.compare"
local json = require("assay.native").json
local stored = require "assay.results.stored"

local FEWEST <const> = 10 -- answers; fewer may agree by chance

-- The answers of a result as { { text = ... }, ... }; for multiple choice the text is the number of the chosen answer.
local function texts_of(result)
   local texts = {}
   for i, output in ipairs(result.outputs or result.choices or {}) do
      texts[i] = { text = output.text or tostring(output.pred) }
   end
   return texts
end

return function(run)
   local out = json.list {}
   stored.each_task(run, function(task, base, others)
      local reference = texts_of(base.stage.result)
      for i, a in ipairs(#reference >= FEWEST and others or {}) do
         for k = i + 1, #others do
            local found = compare.identity(texts_of(a.stage.result), texts_of(others[k].stage.result), reference)
            if found.status == "invalid" then
               out[#out + 1] = json.object {
                  { "a", a.variant.id }, { "b", others[k].variant.id }, { "task", task.id },
                  { "identical_share", found.identical_share }, { "differs_from_base", true } }
            end
         end
      end
   end)
   return out
end
