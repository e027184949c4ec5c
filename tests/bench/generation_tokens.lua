-- Prints how many tokens the generation tasks compute, how many are needed if a prefix shared by prompts counts once, and the ratio.
-- Not a test. usage: assay run tests/bench/generation_tokens.lua --data DIR [--set items=N] [--set model=NAME]
local assay = require "assay"
local prompting = require "assay.tasks.prompts"

local n = assay.setting("items", 40)
local m = assay.load(assay.setting("model", "smollm2-135m-instruct"))

-- Returns the number of distinct prefixes of these lists of ids: the fewest tokens that a model must compute.
local function distinct(lists)
   local tree, count = {}, 0
   for _, ids in ipairs(lists) do
      local node = tree
      for _, id in ipairs(ids) do
         if not node[id] then node[id], count = {}, count + 1 end
         node = node[id]
      end
   end
   return count
end

for _, name in ipairs { "squad_v2", "gsm8k", "arc_letter" } do
   local more = name == "arc_letter" and { dataset = assay.dataset.arc_challenge {} } or {}
   if name == "squad_v2" then more.dataset = assay.dataset.squad_v2 { subset = "of the test" } end
   more.items, more.chat = n, true
   local task = assay.task[name](more)
   local o, definition = task.options, task.definition
   local texts, ids = {}, {}
   for i, question in ipairs((prompting.draw(o, definition))) do
      texts[i] = prompting.text(o, m, question.prompt, question.prefix)
      ids[i] = m:encode(texts[i])
   end
   local answers, usage = m:generate_many(texts, { max_tokens = 4, ignore_eos = true })
   local written = 0
   for _, answer in ipairs(answers) do written = written + #answer.ids - 1 end -- the last token of an answer is never fed to the model
   local needed = distinct(ids) + written
   print(("%s: %d prompts of %d tokens, %d computed, %d needed: %.3f"):format(name, #texts, usage.prompt_tokens,
      usage.computed, needed, usage.computed / needed))
end
