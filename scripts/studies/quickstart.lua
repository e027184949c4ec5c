-- The first study: how many bits can a small chat model lose before its answers get worse?
-- It rounds the weights to 8, 4 and 3 bits, with one scale for every 64 weights, and takes minutes on a laptop.
local assay = require "assay"

local novel = assay.dataset.text { path = "data/persuasion.txt", license = "public domain" }
local prompts = assay.dataset.text { path = "data/prompts.jsonl" }

return assay.study {
   name = "quickstart",
   title = "SmolLM2-135M-Instruct in 8, 4 and 3 bits",
   question = "How many bits can plain rounding take away?",

   subjects = { base = "smollm2-135m-instruct" },
   recipes = assay.grid { assay.method.rtn, bits = { 8, 4, 3 }, group = 64 },

   tasks = {
      assay.task.perplexity {
         title = "Perplexity on a novel (Persuasion)",
         dataset = novel, window = 1024, limit = assay.setting("limit", 24),
      },
      assay.task.generations { dataset = prompts, max_tokens = 48 },
   },
   report = { "html", "md", "csv" },
}
