-- What the studies of the three published methods (AWQ, GPTQ, SmoothQuant) have in common: a base and a tuned model, tasks, enough
-- items to show a loss of the declared margin, and a quick form for two cores. Each study adds its recipes and its question.
--   --set base=FOLDER --set tuned=FOLDER   models under study (default: SmolLM2 as base, no tuned one)
--   --set quick=true                       minutes instead of hours; most verdicts are then inconclusive
--   --set subset="why"                     needed if SQuAD's file has another number of rows than the published one
--   --data DIR                             benchmark files; tasks whose files are absent are listed as not available
local assay = require "assay"

-- Numbers of items and windows; 0 means all. The full run has enough items to show a difference of about the margin.
local SIZES <const> = {
   quick = { windows = 12, distance = 8, choice = 40, squad = 16, maths = 6, letters = 12, prompts = 12, tokens = 96, noise = 2 },
   full = { windows = 0, distance = 0, choice = 0, squad = 2000, maths = 0, letters = 0, prompts = 120, tokens = 320, noise = 50 },
}

local function text_of(name) return assay.dataset.text { path = "data/" .. name, license = "Apache-2.0" } end

-- The novel in two parts that share no sentence: perplexity is measured on the first, the calibration comes from the last chapters.
local function measured_part(record) return { text = record.text:sub(1, 180000):match "^(.*\n)" } end
local function calibrating_part(record) return { text = record.text:sub(180001):match "\n(.*)$" } end

local function novel(part)
   return assay.dataset.text { path = "data/persuasion.txt", license = "public domain", map = part }
end

local function tasks_of(size)
   local subset = assay.setting("subset", "")
   subset = subset ~= "" and subset or nil
   local text, try = novel(measured_part), assay.if_available
   local tasks = {
      assay.task.perplexity { id = "novel", title = "Perplexity on a novel (Persuasion)", dataset = text, window = 1024,
                              limit = size.windows },
      assay.task.distance { title = "Distance on a novel (Persuasion)", dataset = text, window = 512, limit = size.distance },
      try("WikiText-2 perplexity", function()
         return assay.task.perplexity { id = "wikitext2", title = "Perplexity on WikiText-2",
                                        dataset = assay.dataset.wikitext2 {}, limit = size.windows // 2 }
      end),
      try("ARC-Easy", function() return assay.task.arc_easy { items = size.choice } end),
      try("ARC-Challenge", function() return assay.task.arc_challenge { items = size.choice } end),
      try("BoolQ", function() return assay.task.boolq { items = size.choice } end),
      try("ARC by letter", function()
         return assay.task.arc_letter { dataset = assay.dataset.arc_challenge {}, items = size.letters, chat = true,
                                        max_tokens = 24 }
      end),
      try("SQuAD v2", function() return assay.task.squad_v2 { dataset = assay.dataset.squad_v2 { subset = subset }, items = size.squad, chat = true } end),
      try("OpenMathInstruct-2", function()
         return assay.task.openmath { dataset = assay.dataset.openmath2 {}, items = size.maths, chat = true,
                                      max_tokens = size.tokens }
      end),
      try("GSM8K", function()
         return assay.task.gsm8k { items = size.maths, chat = true, max_tokens = size.tokens }
      end),
      assay.task.generations { title = "Free prompts", dataset = text_of "prompts_120.jsonl", items = size.prompts,
                               max_tokens = 128 },
   }
   return tasks
end

-- The primary metric of each task and its margin. The verdicts depend on the primary metrics. A margin is the largest loss that counts
-- as none: a ratio for perplexities, else percentage points. Both are declared before the run; all other metrics are exploration.
local PRIMARY <const> = {
   novel = { "ppl", 1.02 }, wikitext2 = { "ppl", 1.02 }, perplexity = { "ppl", 1.02 }, arc_easy = { "acc", 2 },
   arc_challenge = { "acc_norm", 2 }, boolq = { "acc", 2 }, arc_letter = { "correct", 3 }, squad_v2 = { "balanced", 3 },
   openmath = { "correct", 3 }, gsm8k = { "correct", 3 },
}

-- The part of this declaration whose tasks are available on this machine.
local function primary_of(tasks)
   local out = {}
   for _, task in ipairs(tasks) do
      local declared = task.definition and PRIMARY[task.id]
      if declared then out[#out + 1] = { task = task.id, metric = declared[1], margin = declared[2] } end
   end
   return out
end

local function calibration_of(samples, seed)
   return assay.calibration { dataset = novel(calibrating_part), samples = samples, length = 256, seed = seed }
end

-- Returns the study. given: { name, title, question, recipes, tasks?, calibration? }. recipes = function(quick, calibration_of)
-- returns a list of recipes; it may call calibration_of(samples, seed). tasks = function(size, quick) replaces the tasks above.
return function(given)
   local quick = assay.setting("quick", false)
   local subjects = { base = assay.setting("base", "smollm2-135m-instruct") }
   local tuned = assay.setting("tuned", "")
   if tuned ~= "" then subjects.tuned = tuned end
   local size = quick and SIZES.quick or SIZES.full
   local tasks = given.tasks and given.tasks(size, quick) or tasks_of(size)
   return assay.study {
      name = given.name .. (quick and "-quick" or ""), title = given.title, question = given.question,
      subjects = subjects, recipes = given.recipes(quick, calibration_of),
      calibration = given.calibration or calibration_of(quick and 16 or 48, 42),
      tasks = tasks, primary = primary_of(tasks), alpha = 0.05, noise = size.noise,
      report = { "html", "md", "csv", "yaml" },
   }
end
