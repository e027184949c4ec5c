-- The stage "preflight": checks each variant before it is measured. It lists the tensors that changed and which of them are not finite,
-- measures how the error grows from block to block, and lets the model write eight short answers. Gates P2 and P4 to P6 use the result.
local batch = require "assay.tasks.batch"
local estimate = require "assay.study.estimate"
local first_token = require "assay.lib.first_token"
local models = require "assay.study.models"
local native = require "assay.native"
local quantize = require "assay.study.stages.quantize"
local subjects = require "assay.study.subjects"
local json, sys = native.json, native.sys

local preflight = { order = 40, per = "variant" }

local prompts = {
   "What is the capital of France?", "Count from one to ten.", "Write one sentence about the sea.",
   "What is 12 plus 30?", "Name three colours.", "Why do people sleep?", "Translate 'good morning' into French.",
   "Give a short definition of gravity.",
}
local ANSWER_TOKENS <const> = 24
local N_ROWS <const>, ROW_TOKENS <const> = 8, 64 -- rows of text, and tokens of each, for the errors of blocks
local PROMPT_TOKENS <const> = 12                 -- approximate number of tokens in one prompt

function preflight.key(context, variant)
   local packed = models.runtime(context, variant) == "packed" and native.model.packed_kernel() or nil
   return { stage = "preflight", model = models.hash(context, variant), prompts = prompts, tokens = ANSWER_TOKENS,
            rows = { N_ROWS, ROW_TOKENS }, first_token = first_token, assay = sys.settings().version, packed = packed }
end

-- The estimate assumes that each token of an answer takes as long as reading a whole prompt of PROMPT_TOKENS
-- tokens. The rows are read by the untouched model and by the variant.
function preflight.estimate(machine, variant)
   local tokens = #prompts * ANSWER_TOKENS * PROMPT_TOKENS + 2 * N_ROWS * ROW_TOKENS
   return { seconds = estimate.forward(machine, subjects.facts(variant.subject), tokens) + 1,
            memory = estimate.memory(machine, variant.subject, variant.none and 1 or 2) }
end

-- The census of a checkpoint: { changed = tensors with { name, finite, zero_share, ... }, equal = the number of equal tensors,
-- missing = names of absent tensors }.
local function changed_tensors(subject_file, folder)
   local changed, equal, missing = json.list {}, 0, json.list {}
   for _, tensor in ipairs(native.model.compare(subject_file, folder)) do
      if not tensor.present then missing[#missing + 1] = tensor.name
      elseif tensor.equal then equal = equal + 1
      else changed[#changed + 1] = tensor end
   end
   return json.object { { "changed", changed }, { "equal", equal }, { "missing", missing } }
end

-- Cuts N_ROWS rows of tokens out of a text (at most its first 200,000 bytes); the rows begin at equal distances. The text is that of
-- the study's first perplexity or distance task. Nil if there is no such task or its text is too short.
local function rows_of(context, m)
   local text
   for _, task in ipairs(context.study.tasks) do
      local kind = task.definition.kind
      if not text and (kind == "perplexity" or kind == "distance") then text = task.options.dataset:text() end
   end
   if not text then return nil end
   local ids = m:encode(text:sub(1, 200000), { start = true })
   local step = (#ids - ROW_TOKENS) // N_ROWS
   if step < 1 then return nil end
   local rows = {}
   for i = 1, N_ROWS do rows[i] = table.move(ids, (i - 1) * step + 1, (i - 1) * step + ROW_TOKENS, 1, {}) end
   return rows
end

-- Answers to the eight prompts, in the form that assay.detectors reads. A model without a chat template gets the plain prompt.
local function short_answers(m)
   local outputs, texts = json.list {}, {}
   for i, prompt in ipairs(prompts) do
      local ok, text = pcall(m.chat, m, { { role = "user", content = prompt } }, { generate = true })
      texts[i] = ok and text or prompt
   end
   local answers = batch.generate(m, texts, { max_tokens = ANSWER_TOKENS, temperature = 0, logprobs = true })
   for i, prompt in ipairs(prompts) do
      local answer, broken = answers[i], 0
      for _, value in ipairs(answer.logprobs) do if type(value) ~= "number" or value ~= value then broken = 1 end end
      outputs[i] = { id = "smoke-" .. i, prompt = prompt, text = answer.text, ids = json.list(answer.ids),
                     tokens = #answer.ids, finish = "stop", nonfinite = broken }
   end
   return outputs
end

-- result = { outputs, census, block_errors }. census: only if the variant has a saved checkpoint. block_errors: only if
-- rows_of finds rows; one relative error for each block. The untouched model has only outputs.
function preflight.run(context, variant)
   return context.store:stage(preflight.key(context, variant), function()
      local reference = context.models:reference_of(variant)
      local m = context.models:of_variant(context, variant)
      local result = json.object { { "outputs", short_answers(m) } }
      if variant.none then return result end
      local key = quantize.key(context, variant)
      local made = context.store:find(key)
      if made and not made.result.saved.reason then
         result.census = changed_tensors(variant.subject.file, context.store:path(key) .. "/model")
      end
      local rows = rows_of(context, m)
      if rows then result.block_errors = m:block_errors(reference, rows) end
      return result
   end)
end

function preflight.label(variant) return variant.id .. ": preflight" end

return preflight
