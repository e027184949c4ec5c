-- PIQA: a goal and two ways; which way reaches the goal? The model's answer is the way whose text is likelier.
local multiple_choice = require "assay.tasks.kinds.multiple_choice"

local function read(record)
   local label = tonumber(record.label)
   if not label or label < 0 then return nil end
   local solutions = { record.sol1, record.sol2 }
   return { id = record.id or record.goal, context = "Question: " .. record.goal .. "\nAnswer:",
      continuations = { " " .. solutions[1], " " .. solutions[2] }, choices = solutions, gold = label + 1 }
end

return multiple_choice.task { summary = "everyday physics, two solutions (PIQA)", protocol = "piqa", set = "piqa", read = read,
   tokens_per_item = 90 }
