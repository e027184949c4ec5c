-- The decision guide: what a reader may conclude about each variant. It follows from verdicts and the failure catalogue alone.
local words = require "assay.report.words"

local tables = {}

local PASSING <const> = { ["non-inferior"] = true, equivalent = true, better = true, tie = true }

-- Lists for each task the signs of broken output that are frequent in a variant's answers. A sign is frequent if the whole interval
-- of its rate lies above 2 %.
local function seen_in_answers(v, variant)
   local out = {}
   for _, part in ipairs(v.report.failures or {}) do
      local signs = {}
      for _, item in ipairs(part.variant == variant.id and part.prevalence or {}) do
         if item.low > 0.02 then signs[#signs + 1] = v:symptom(item.symptom) .. " in " .. item.count .. " of " .. item.items end
      end
      local task = (v.task[part.task] or {}).title or part.task
      if #signs > 0 then out[#out + 1] = (task and task .. ": " or "") .. table.concat(signs, ", ") end
   end
   return out
end

-- One row for each quantized variant: its verdict, the condition under which it may be used, and the signs in its answers.
function tables.decision(v)
   local rows = {}
   for _, variant in ipairs(v.report.variants) do
      local judged = v.verdict_of[variant.id]
      local verdict, result = judged and judged.verdict or "not_run", v:deciding_result(variant.id)
      if variant.recipe then
         local text
         if variant.collapsed then
            text = "Not usable: " .. table.concat(variant.collapsed, "; ")
         elseif PASSING[verdict] then
            text = "Acceptable for what was measured here: every primary metric lies within its margin"
         elseif verdict == "worse" and result and result.within_margin then
            text = "Where a loss below the declared margin counts as none: the loss is certain, but smaller than the margin"
         elseif verdict == "worse" then
            local loss = {}
            for _, because in ipairs(judged.because or {}) do
               local task = v.task[because.task] or {}
               local metric, title = words.metric(because.metric), task.title or because.task
               loss[#loss + 1] = title:lower():find(metric:lower(), 1, true) == 1 and title or metric .. " on " .. title
            end
            text = "Only where its smaller size is worth the loss; lost: " .. table.concat(loss, "; ")
         elseif verdict == "invalid" then
            text = "No statement: a blocking check failed"
         else
            text = "Open: measure more items before deciding"
         end
         local failures = seen_in_answers(v, variant)
         rows[#rows + 1] = { v:label(variant.id), words.short(verdict, result), text,
            table.concat(failures, "; ") }
      end
   end
   if #rows == 0 then return end
   return { hint = "Follows from the verdicts and the failure catalogue alone.", headers = { "variant", "verdict", "when it may be used",
      "seen in its answers" }, rows = rows }
end

return tables
