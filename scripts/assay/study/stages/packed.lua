-- The stage "packed": runs a variant's checkpoint from its stored codes ("packed"), beside the same checkpoint with its weights turned
-- back into floats ("dequantized"). The tasks measure one of the two. The stage compares their logits and short answers for gate P9, and
-- measures how much memory each takes and how fast each is. The untouched model is measured too, with weights as its file has them.
local batch = require "assay.tasks.batch"
local estimate = require "assay.study.estimate"
local keys = require "assay.study.keys"
local model = require "assay.model"
local models = require "assay.study.models"
local native = require "assay.native"
local quantize = require "assay.study.stages.quantize"
local subjects = require "assay.study.subjects"
local json = native.json

local packed = { order = 70, per = "variant" }

local texts = {
   "The quick brown fox jumps over the lazy dog. It was the best of times, it was the worst of times.",
   "def add(a, b):\n    return a + b\n\nprint(add(17, 25))\n",
   "Tom has 12 apples and gives 5 of them to Ann. He buys 9 more. How many apples does Tom have now?",
}
local prompts = { "What is the capital of France?", "Count from one to ten.", "What is 12 plus 30?", "Name three colours." }
local ANSWER_TOKENS <const> = 16
-- Each text is read whole, and then its first tokens are read alone, since different kernels compute many
-- tokens and few.
local FEW_TOKENS <const> = 4
local PROMPT_TOKENS <const>, STEPS <const>, ROUNDS <const> = 256, 24, 2 -- of the measurements of speed

-- The largest difference of logits that gate P9 allows, as a share of the largest logit. Sums in another order differ by about 1e-5. Where
-- inputs of linears are rounded, such a difference can move an input to the next step of its grid, which changes logits by far more.
local BOUND <const>, BOUND_ROUNDED <const> = 1e-3, 0.1

function packed.exists() return not models.packed_obstacle() end

function packed.key(context, variant)
   return { stage = "packed", model = models.hash(context, variant), texts = texts, prompts = prompts, tokens = ANSWER_TOKENS, few = FEW_TOKENS,
            speed = { PROMPT_TOKENS, STEPS, ROUNDS }, kernel = native.model.packed_kernel(), numerics = keys.numerics() }
end

-- The time of the speed measurements and the short answers, packed and dequantized. A generated token counts as 12 tokens of a prompt.
function packed.estimate(machine, variant)
   local tokens = 2 * (ROUNDS * (PROMPT_TOKENS + STEPS * 12) + #prompts * ANSWER_TOKENS * 12)
   return { seconds = estimate.forward(machine, subjects.facts(variant.subject), tokens) + 2,
            memory = estimate.memory(machine, variant.subject, 1) }
end

local function best_speed(m, resident)
   local first_token, rate
   for _ = 1, ROUNDS do
      local prefill = m:time_prefill { tokens = PROMPT_TOKENS }.seconds
      local decode = m:time_decode { steps = STEPS }.tokens_per_second
      first_token, rate = math.min(first_token or prefill, prefill), math.max(rate or decode, decode)
   end
   return json.object { { "resident_bytes", resident or json.null }, { "decode_tokens_per_second", rate }, { "first_token_seconds", first_token } }
end

-- What the checkpoint at `path` gives if it runs with `runtime`, "packed" or "dequantized": { logits = two tensors for each text,
-- prompts, answers, speed, facts }.
local function look(load_in, runtime)
   local m, resident = load_in(runtime)
   local out = { logits = {}, prompts = {}, facts = m:info().packed }
   for _, text in ipairs(texts) do
      local ids = m:encode(text, { start = true })
      out.logits[#out.logits + 1] = m:logits(ids)
      out.logits[#out.logits + 1] = m:logits(table.move(ids, 1, math.min(FEW_TOKENS, #ids), 1, {}))
   end
   for i, prompt in ipairs(prompts) do
      local ok, text = pcall(m.chat, m, { { role = "user", content = prompt } }, { generate = true })
      out.prompts[i] = ok and text or prompt
   end
   out.answers = batch.generate(m, out.prompts, { max_tokens = ANSWER_TOKENS, temperature = 0, logprobs = true })
   out.speed = best_speed(m, resident)
   return out
end

local function largest_logit(logits)
   local largest = 0
   for _, value in ipairs(logits:row(logits.shape[1]):tolist()) do largest = math.max(largest, math.abs(value)) end
   return largest
end

-- The first token at which two answers differ, with the margin by which the dequantized model preferred its own
-- token; nil if none differs.
local function first_difference(own, other)
   for i, id in ipairs(own.ids) do
      if other.ids[i] ~= id then return i, own.margins and own.margins[i] end
   end
end

local function compare(dequantized, other)
   local difference, tokens, equal, first = 0, 0, 0, json.null
   for i, logits in ipairs(dequantized.logits) do
      difference = math.max(difference, logits:max_difference(other.logits[i]) / largest_logit(logits))
      tokens = tokens + logits.shape[1]
   end
   for i, answer in ipairs(dequantized.answers) do
      local place, margin = first_difference(answer, other.answers[i])
      if not place then equal = equal + 1
      elseif first == json.null then first = json.object { { "prompt", i }, { "token", place }, { "margin", margin or json.null } } end
   end
   return json.object { { "difference", difference }, { "tokens", tokens }, { "answers", #prompts }, { "equal_answers", equal },
                        { "first_difference", first } }
end

-- Returns a function that loads the variant in a runtime and returns the model and the memory that it takes. A variant that no file
-- format can hold is quantized again and runs from its forms; its memory is then not measured, because both models share parts.
local function loader(context, variant)
   local path = variant.none and variant.subject.file
   if not path then
      local key = quantize.key(context, variant)
      if context.store:find(key).result.saved.reason then
         local quantized = quantize.quantized(context, variant)
         return function(runtime) return runtime == "packed" and quantized:packed() or quantized end
      end
      path = context.store:path(key) .. "/model"
   end
   return function(runtime) return model.load_measured(path, runtime) end
end

-- result = { kernel, formats, told, parity, bound, packed, dequantized }
function packed.run(context, variant)
   return context.store:stage(packed.key(context, variant), function()
      context.models:release()
      local load_in = loader(context, variant)
      local dequantized = look(load_in, "dequantized")
      collectgarbage()
      collectgarbage()
      local codes = look(load_in, "packed")
      local rounded = not variant.none and variant.recipe.data.activation ~= nil
      return json.object { { "kernel", native.model.packed_kernel() }, { "formats", codes.facts.formats },
                           { "told", json.list(codes.facts.told) }, { "parity", compare(dequantized, codes) },
                           { "bound", rounded and BOUND_ROUNDED or BOUND }, { "packed", codes.speed },
                           { "dequantized", dequantized.speed } }
   end)
end

function packed.label(variant) return variant.id .. ": packed" end

return packed
