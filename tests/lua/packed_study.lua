-- A study for tests: variants that are evaluated packed, beside one that is not. Arguments: MODEL TEXT PROMPTS.
local assay = require "assay"
local model, text, prompts = ...

return assay.study {
   name = "packed",
   runtime = "packed",
   subjects = { base = model },
   recipes = {
      assay.method.rtn { bits = 4, group = 16 },
      assay.method.rtn { bits = 4, group = 16, runtime = "dequantized" },
      assay.method.hqq { bits = 4, group = 16 },
   },
   tasks = {
      assay.task.perplexity { dataset = assay.dataset.text { path = text }, window = 64 },
      assay.task.generations { dataset = assay.dataset.text { path = prompts }, max_tokens = 8 },
      assay.task.distance { dataset = assay.dataset.text { path = text }, window = 64 },
   },
}
