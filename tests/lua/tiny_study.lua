-- A study of seconds for the tests: the tiny model, three recipes, both tasks. Arguments: MODEL TEXT PROMPTS.
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
