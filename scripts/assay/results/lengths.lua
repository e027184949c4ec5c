-- Describes how long answers are: the parts `lengths` (curves per variant and task) and `resources` (mean tokens per
-- variant) of report.json.
local json = require("assay.native").json
local stored = require "assay.results.stored"

local lengths = {}

local STEPS <const> = 20 -- a curve has one point more
local FEWEST <const> = 5 -- answers; fewer make no curve

-- The distribution of answer lengths as points { tokens, share }, and the number of answers; no points for fewer than five answers.
local function curve_of(result)
   local tokens, curve = {}, json.list {}
   for i, output in ipairs(result.outputs or {}) do tokens[i] = output.tokens end
   table.sort(tokens)
   for i = 0, #tokens >= FEWEST and STEPS or -1 do
      curve[#curve + 1] = json.list { tokens[math.floor(i / STEPS * (#tokens - 1)) + 1], i / STEPS }
   end
   return curve, #tokens
end

-- Returns for each variant and task { variant, task, items, cap = the task's token limit, curve }. A point of the curve is { tokens,
-- share of answers with at most so many tokens }.
function lengths.curves(run)
   local out = json.list {}
   stored.each_task(run, function(task, base, others)
      for _, row in ipairs { base, table.unpack(others) } do
         local curve, n = curve_of(row.stage.result)
         if #curve > 0 then
            out[#out + 1] = json.object { { "variant", row.variant.id }, { "task", task.id }, { "items", n },
                                          { "cap", task.options.max_tokens }, { "curve", curve } }
         end
      end
   end)
   return out
end

-- The mean number of tokens of an answer for each variant; guardrails on length and on broken baselines read it. Tasks that ask for
-- a letter or a few words are left out, since their right answers are short.
function lengths.means(run)
   local tokens, items, out = {}, {}, json.list {}
   stored.each_task(run, function(task, base, others)
      for _, row in ipairs(task.definition.short_answers and {} or { base, table.unpack(others) }) do
         local id = row.variant.id
         for _, output in ipairs(row.stage.result.outputs or {}) do
            tokens[id], items[id] = (tokens[id] or 0) + output.tokens, (items[id] or 0) + 1
         end
      end
   end)
   for _, variant in ipairs(run.variants) do
      local id = variant.id
      if items[id] then
         out[#out + 1] = json.object { { "variant", id }, { "tokens_per_item", tokens[id] / items[id] }, { "items", items[id] } }
      end
   end
   return out
end

return lengths
