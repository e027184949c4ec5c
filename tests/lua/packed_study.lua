-- A study for tests of the runtime of each variant, packed (from stored codes) or dequantized. Arguments: MODEL TEXT PROMPTS [RUNTIME].
-- RUNTIME is asked for in the whole study; without it each variant runs packed where a kernel runs all its codes.
local assay = require "assay"
local model, text, prompts, runtime = ...

return assay.study {
   name = "packed",
   runtime = runtime,
   subjects = { base = model },
   recipes = {
      assay.method.rtn { bits = 4, group = 16 },
      assay.method.rtn { bits = 4, group = 16, runtime = "dequantized" },
      assay.method.rtn { bits = 4, group = 8 },
      assay.method.hqq { bits = 4, group = 16 },
   },
   tasks = {
      assay.task.perplexity { dataset = assay.dataset.text { path = text }, window = 64 },
      assay.task.generations { dataset = assay.dataset.text { path = prompts }, max_tokens = 8 },
      assay.task.distance { dataset = assay.dataset.text { path = text }, window = 64 },
   },
}
