-- The stage "identity": quantizes with the recipe that changes nothing, saves, loads, and compares the logits with the original's.
-- They must be equal bit for bit: if saving and loading changed them, the cost of quantization could not be measured. Gate P1 uses this.
local estimate = require "assay.study.estimate"
local keys = require "assay.study.keys"
local method = require "assay.recipe"
local native = require "assay.native"
local subjects = require "assay.study.subjects"
local fs, json = native.fs, native.json

local identity = { order = 10, per = "subject" }

local texts = {
   "The quick brown fox jumps over the lazy dog.",
   "def add(a, b):\n    return a + b\n",
   "In 1817, two years after the war, 17 + 25 = 42 was still true.",
}

function identity.key(_, variant)
   local numbers = keys.numerics()
   return { stage = "identity", subject = subjects.fingerprint(variant.subject), texts = texts,
            dtype = numbers.dtype, device = numbers.device, assay = numbers.assay }
end

function identity.estimate(machine, variant)
   local bytes = subjects.facts(variant.subject).tensor_bytes
   return { seconds = 2 * bytes / estimate.WRITE_RATE + 2, memory = estimate.memory(machine, variant.subject, 2) }
end

-- The largest difference of two models' logits over the texts, whether all bits are equal, and the number of tokens.
local function compare(m, again)
   local largest, equal, n = 0, true, 0
   for i, text in ipairs(texts) do
      native.sys.update(i, #texts, "identity gate")
      local ids = m:encode(text)
      local difference, same = m:logits(ids):max_difference(again:logits(ids))
      largest, equal, n = math.max(largest, difference), equal and same, n + #ids
   end
   return largest, equal, n
end

-- result = { passed, evidence }
function identity.run(context, variant)
   return context.store:stage(identity.key(context, variant), function(folder)
      local m = context.models:of_subject(variant.subject)
      m:quantize(method.none {}):save(folder .. "/identity", { replace = true })
      local largest, equal, n = compare(m, native.model.load(folder .. "/identity"))
      fs.remove_all(folder .. "/identity")
      return json.object {
         { "passed", equal },
         { "evidence", ("max |logit difference| = %g over %d texts, %d tokens"):format(largest, #texts, n) },
      }
   end)
end

function identity.label(variant) return variant.id .. ": identity" end

return identity
