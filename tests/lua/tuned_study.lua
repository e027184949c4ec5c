-- A study for tests, which takes seconds, with two subjects: a base model and its tuned copy. Arguments: BASE TUNED TEXT QUESTIONS.
local assay = require "assay"
local base, tuned, text, questions = ...

return assay.study {
   name = "tuned",
   subjects = { base = base, tuned = tuned },
   recipes = assay.grid { assay.method.rtn, bits = { 4, 2 }, group = 16 },
   tasks = {
      assay.task.perplexity { dataset = assay.dataset.text { path = text }, window = 64, limit = 24 },
      assay.task.arc_easy { dataset = assay.dataset.jsonl { path = questions } },
   },
   noise = 0,
}
