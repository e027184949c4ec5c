-- WinoGrande: a sentence with a gap; which of two words fills it? Each word is put into the gap, and the likelihood of the rest of the
-- sentence after it is scored. There is no normalised accuracy, since the scored text is the same for both words.
local multiple_choice = require "assay.tasks.kinds.multiple_choice"

local function read(record)
   local answer = tonumber(record.answer)
   local gap = record.sentence:find("_", 1, true)
   if not answer or not gap then return nil end
   local rest = " " .. record.sentence:sub(gap + 1):match "^%s*(.-)%s*$"
   local options = { record.option1, record.option2 }
   return { id = record.qID or record.sentence, contexts = { record.sentence:sub(1, gap - 1) .. options[1],
      record.sentence:sub(1, gap - 1) .. options[2] },
      continuations = { rest, rest }, choices = options, gold = answer }
end

local task = multiple_choice.task { summary = "which word fills the gap (WinoGrande)", protocol = "winogrande", set = "winogrande", read = read,
   tokens_per_item = 60 }
task.metrics = { task.metrics[1] }
return task
