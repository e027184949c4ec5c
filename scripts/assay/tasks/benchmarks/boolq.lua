-- BoolQ: a yes-or-no question about a passage. Rows have `answer` (google/boolq) or `label` (SuperGLUE). The passages of these two sets
-- differ, but their results cannot be mixed up, because the dataset's hash is part of the protocol id.
local multiple_choice = require "assay.tasks.kinds.multiple_choice"
local native = require "assay.native"

local function read(record)
   local yes = record.answer
   if yes == nil and record.label ~= nil then yes = record.label == 1 end
   if type(yes) ~= "boolean" then return nil end
   return { id = tostring(record.idx or record.question), context = record.passage .. "\nQuestion: " .. record.question
      .. "?\nAnswer:",
      continuations = { " no", " yes" }, choices = { "no", "yes" }, gold = yes and 2 or 1,
      cluster = native.fs.sha256(record.passage):sub(1, 16) }
end

return multiple_choice.task { summary = "yes or no about a passage (BoolQ)", protocol = "boolq", set = "boolq", read = read,
   tokens_per_item = 160 }
