-- Gate P6: eight short answers of a model are sensible text. It fails if more than four of them are broken, and if the
-- untouched model's eight answers have fewer broken ones.
local detectors = require "assay.detectors"

-- Signs (of assay.detectors) that no working model shows in a short answer: numbers that are not finite, no text, nothing but
-- punctuation, a loop, one token again and again, lost characters.
local SIGNS <const> = { F01 = true, F03 = true, F04 = true, F05 = true, F11 = true, F13 = true }

local function count_broken(outputs)
   local n = 0
   for _, output in ipairs(outputs) do
      for id in pairs((detectors.sample(output))) do
         if SIGNS[id] then
            n = n + 1
            break
         end
      end
   end
   return n
end

local function untouched(run, subject)
   for _, variant in ipairs(run.variants) do
      if variant.none and variant.subject == subject then return variant end
   end
end

return {
   id = "P6", title = "eight short answers are text", severity = "block", scope = "model",
   failed = "most of eight short answers are broken",
   check = function(facts, variant)
      local reference, outputs = untouched(facts.run, variant.subject), variant.preflight.result.outputs
      local own, base = count_broken(outputs), reference.preflight and count_broken(reference.preflight.result.outputs) or 0
      return (own <= #outputs // 2 or own <= base) and "pass" or "fail",
             ("%d of %d answers show signs of breakage, %d of the untouched model's"):format(own, #outputs, base)
   end,
}
