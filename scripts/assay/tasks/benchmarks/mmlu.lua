-- MMLU: exam questions of 57 subjects. The model's answer is the likeliest of the letters A to D; the texts of the choices are in the
-- prompt and are not scored.
local multiple_choice = require "assay.tasks.kinds.multiple_choice"

local LETTERS <const> = { "A", "B", "C", "D" }

local function read(record)
   local gold = tonumber(record.answer)
   if not gold then
      for i, letter in ipairs(LETTERS) do if record.answer == letter then gold = i - 1 end end
   end
   if not gold or #record.choices ~= 4 then return nil end
   local lines = { (record.question:match "^%s*(.-)%s*$") }
   for i, text in ipairs(record.choices) do lines[#lines + 1] = LETTERS[i] .. ". " .. text end
   lines[#lines + 1] = "Answer:"
   return { id = record.question, context = table.concat(lines, "\n"), continuations = { " A", " B", " C", " D" },
      choices = LETTERS, gold = gold + 1, subject = record.subject, cluster = record.subject }
end

local function describe(question)
   if not question.subject then return nil end
   return "The following are multiple choice questions (with answers) about " .. question.subject:gsub("_", " ")
      .. ".\n\n"
end

return multiple_choice.task { summary = "exam questions of 57 subjects (MMLU)", protocol = "mmlu", set = "mmlu", read = read,
   describe = describe, tokens_per_item = 140 }
