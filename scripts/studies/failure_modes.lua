-- A study of what quantization breaks in free answers: 120 prompts in six categories, each recipe beside the untouched model. The
-- results are failures.jsonl, failures.md and the answers side by side in the report. --set quick=true takes 48 of the prompts.
local assay = require "assay"
local try = assay.if_available

return require "assay.studies.published" {
   name = "failure-modes",
   title = "What breaks: answers to free prompts in fewer bits",
   question = "Which answers does quantization break, how, and how often?",
   tasks = function(size, quick)
      local text = assay.dataset.text { path = "data/persuasion.txt", license = "public domain",
                                        map = function(r) return { text = r.text:sub(1, 180000):match "^(.*\n)" } end }
      return {
         assay.task.perplexity { title = "Perplexity on a novel (Persuasion)", dataset = text, window = 1024,
                                 limit = size.windows },
         assay.task.distance { title = "Distance on a novel (Persuasion)", dataset = text, window = 512, limit = size.distance },
         assay.task.generations { title = (quick and "48 of " or "") .. "120 prompts in six categories", max_tokens = quick and 128 or 256,
                                  dataset = assay.dataset.text { path = "data/prompts_120.jsonl", license = "Apache-2.0" },
                                  items = quick and 48 or 0, recurrence = quick and 2 or 4 },
      }
   end,
   recipes = function(quick)
      local recipes = {
         try("gptq W4 g64", function() return assay.method.gptq { bits = 4, group = 64 } end),
         try("rtn W4 g64", function() return assay.method.rtn { bits = 4, group = 64 } end),
         try("rtn W3 g64", function() return assay.method.rtn { bits = 3, group = 64 } end),
      }
      if not quick then
         table.insert(recipes, try("awq W4 g64", function() return assay.method.awq { bits = 4, group = 64 } end))
         table.insert(recipes, try("smoothquant W8A8", function() return assay.method.smoothquant {} end))
         table.insert(recipes, try("rtn W2 g64", function() return assay.method.rtn { bits = 2, group = 64 } end))
      end
      return recipes
   end,
}
