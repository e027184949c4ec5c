-- Gate P1: the recipe that changes nothing, through quantize, save and load, gives the same logits.
-- Bit for bit: a path that is not exact cannot measure what quantization costs.
local method = require "assay.recipe"
local native = require "assay.native"
local variants = require "assay.study.variant"
local fs, json = native.fs, native.json

local gate = {}

local texts = {
   "The quick brown fox jumps over the lazy dog.",
   "def add(a, b):\n    return a + b\n",
   "In 1817, two years after the war, 17 + 25 = 42 was still true.",
}

function gate.key(context, variant)
   return { stage = "identity", subject = variants.fingerprint(context, variant.subject),
            texts = texts, dtype = native.sys.settings().dtype, device = native.sys.settings().device,
            assay = native.sys.settings().version }
end

local function logits_of(m, ids) return m:logits(ids) end

-- Returns the stage { result = { passed, evidence } }, was_there.
function gate.run(context, variant)
   return context.store:stage(gate.key(context, variant), function(folder)
      local m = context.models:of_subject(variant.subject)
      local q = m:quantize(method.none {})
      q:save(folder .. "/identity", { replace = true })
      q = nil -- luacheck: ignore
      local again = native.model.load(folder .. "/identity")
      local largest, equal, n = 0, true, 0
      for i, text in ipairs(texts) do
         native.sys.update(i, #texts, "identity gate")
         local ids = m:encode(text)
         local difference, same = logits_of(m, ids):max_difference(logits_of(again, ids))
         largest, equal, n = math.max(largest, difference), equal and same, n + #ids
      end
      fs.remove_all(folder .. "/identity")
      return json.object {
         { "passed", equal },
         { "evidence", ("max |logit difference| = %g over %d texts, %d tokens"):format(largest, #texts, n) },
      }
   end)
end

return gate
