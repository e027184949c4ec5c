-- Writes our log-likelihoods for the rows of a file, for lm_eval_compare.py. Our task builds the prompts, and our
-- engine computes the scores.
-- usage: assay run lm_eval_items.lua --set model=DIR --set task=NAME --set rows=FILE.jsonl --set out=FILE
local assay = require "assay"
local native = require "assay.native"

local task = require("assay.tasks")[assay.setting("task", "arc_easy")]
local requests, owners = {}, {}
local n = 0
for line in native.fs.read(assay.setting("rows", "")):gmatch "[^\n]+" do
   local question = task.read(assay.json.decode(line))
   n = n + 1
   for i, context in ipairs(question.contexts or { question.context }) do
      requests[#requests + 1] = { context = (task.describe and task.describe(question) or "") .. context,
         continuations = question.contexts and { question.continuations[i] } or question.continuations }
      owners[#requests] = n
   end
end

local m = assay.load(assay.setting("model", ""))
m:score("warm", { " up" })
local cpu = os.clock()
local scores, usage = m:score_many(requests)
cpu = os.clock() - cpu
local items = {}
for i, list in ipairs(scores) do
   items[owners[i]] = items[owners[i]] or {}
   for _, one in ipairs(list) do table.insert(items[owners[i]], one.sum) end
end
native.fs.write(assay.setting("out", "items.json"), assay.json.encode({ items = items, usage = usage, cpu = cpu }))
