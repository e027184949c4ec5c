-- HellaSwag: the beginning of a scene and four endings; which ending fits? The text is cleaned as in lm-evaluation-harness. The
-- primary metric is the accuracy normalised by the length of the endings, as is usual for this set.
local multiple_choice = require "assay.tasks.kinds.multiple_choice"

local function clean(text)
   text = text:match "^%s*(.-)%s*$"
   text = text:gsub(" %[title%]", ". "):gsub("%[.-%]", "")
   return (text:gsub("  ", " "))
end

-- Like Python's str.capitalize: the first letter in upper case, the rest in lower case.
local function capitalised(text) return text:sub(1, 1):upper() .. text:sub(2):lower() end

local function read(record)
   local label = tonumber(record.label)
   if not label then return nil end
   local context = clean(record.activity_label .. ": " .. record.ctx_a .. " " .. capitalised(record.ctx_b))
   local choices, continuations = {}, {}
   for i, ending in ipairs(record.endings) do
      choices[i] = clean(ending)
      continuations[i] = " " .. choices[i]
   end
   return { id = tostring(record.ind or record.source_id or context), context = context, continuations = continuations,
      choices = choices, gold = label + 1 }
end

return multiple_choice.task { summary = "which ending fits (HellaSwag)", protocol = "hellaswag", set = "hellaswag", read = read,
   main = "acc_norm", tokens_per_item = 280 }
