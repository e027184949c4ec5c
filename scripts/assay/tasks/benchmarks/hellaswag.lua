-- HellaSwag: which ending continues a scene. Cleans the text as lm-evaluation-harness does.
-- Reported by normalised accuracy first, as is usual.
local choice = require "assay.tasks.kinds.multiple_choice"

local function clean(text)
  text = text:match "^%s*(.-)%s*$"
  text = text:gsub(" %[title%]", ". "):gsub("%[.-%]", "")
  return (text:gsub("  ", " "))
end

-- Python's str.capitalize: the rest becomes lower case.
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

return choice.task { summary = "which ending fits (HellaSwag)", protocol = "hellaswag", set = "hellaswag", read = read,
  main = "acc_norm", tokens_per_item = 280 }
