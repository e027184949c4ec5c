-- What is looked at in every variant before it is measured: which tensors changed, whether they are finite, how the error
-- grows from block to block, and eight short answers. Gates P2 to P6 are made from it (scripts/assay/gates).
-- Not the identity recipe (identity.lua) and no benchmark.
local many = require "assay.tasks.batch"
local native = require "assay.native"
local variants = require "assay.study.variant"
local json, sys = native.json, native.sys

local preflight = {}

local prompts = {
   "What is the capital of France?", "Count from one to ten.", "Write one sentence about the sea.",
   "What is 12 plus 30?", "Name three colours.", "Why do people sleep?", "Translate 'good morning' into French.",
   "Give a short definition of gravity.",
}
local answer_tokens <const> = 24
local rows_wanted <const>, row_tokens <const> = 8, 64

function preflight.key(context, variant)
   return { stage = "preflight", model = variants.model_hash(context, variant),
            prompts = prompts, tokens = answer_tokens, rows = { rows_wanted, row_tokens }, assay = sys.settings().version }
end

-- Changed tensors with what is odd about them; the equal ones are only counted.
local function census_of(subject_file, folder)
   local changed, equal, missing = json.list {}, 0, json.list {}
   for _, tensor in ipairs(native.model.compare(subject_file, folder)) do
      if not tensor.present then missing[#missing + 1] = tensor.name
      elseif tensor.equal then equal = equal + 1
      else changed[#changed + 1] = tensor end
   end
   return json.object { { "changed", changed }, { "equal", equal }, { "missing", missing } }
end

-- Eight rows of the text that the study reads anyway, spread over it; nil if it reads none.
local function rows_of(context, m)
   local text
   for _, task in ipairs(context.study.tasks) do
      local dataset = task.options.dataset
      if not text and (task.definition.kind == "perplexity" or task.definition.kind == "distance") then
         text = dataset:text()
      end
   end
   if not text then return nil end
   local ids = m:encode(text:sub(1, 200000))
   local step = (#ids - row_tokens) // rows_wanted
   if step < 1 then return nil end
   local rows = {}
   for i = 1, rows_wanted do rows[i] = table.move(ids, (i - 1) * step + 1, (i - 1) * step + row_tokens, 1, {}) end
   return rows
end

local function smoke(m)
   local outputs, texts = json.list {}, {}
   for i, prompt in ipairs(prompts) do
      local ok, text = pcall(m.chat, m, { { role = "user", content = prompt } }, { generate = true })
      texts[i] = ok and text or prompt
   end
   local answers = many.generate(m, texts, { max_tokens = answer_tokens, temperature = 0, logprobs = true })
   for i, prompt in ipairs(prompts) do
      local answer, broken = answers[i], 0
      for _, value in ipairs(answer.logprobs) do if type(value) ~= "number" or value ~= value then broken = 1 end end
      outputs[i] = { id = "smoke-" .. i, prompt = prompt, text = answer.text, ids = json.list(answer.ids),
                     tokens = #answer.ids, finish = "stop", nonfinite = broken }
   end
   return outputs
end

-- The stage { result = { outputs, census, block_errors } }, was_there.
function preflight.run(context, variant)
   return context.store:stage(preflight.key(context, variant), function()
      local reference = context.models:of_subject(variant.subject)
      local m = variants.model_of(context, variant)
      local result = json.object { { "outputs", smoke(m) } }
      if variant.none then return result end
      local made = context.store:find(variants.quantize_key(context, variant))
      if made and not made.result.saved.reason then
         result.census = census_of(variant.subject.file,
                                   context.store:path(variants.quantize_key(context, variant)) .. "/model")
      end
      local rows = rows_of(context, m)
      if rows then result.block_errors = m:block_errors(reference, rows) end
      return result
   end)
end

return preflight
