-- A study for tests, which takes seconds: one model, three recipes, and the tasks perplexity and generations.
-- Arguments: MODEL TEXT PROMPTS.
local assay = require "assay"
local model, text, prompts = ...

return assay.study {
   name = "tiny",
   subjects = { base = model },
   recipes = assay.grid { assay.method.rtn, bits = { 8, 4, 2 }, group = 16 },
   tasks = {
      assay.task.perplexity { dataset = assay.dataset.text { path = text }, window = 64 },
      assay.task.generations { dataset = assay.dataset.text { path = prompts }, max_tokens = 8 },
   },
}
