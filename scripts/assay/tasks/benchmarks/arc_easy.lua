-- ARC, easy set: science questions of school exams. The model's answer is the choice whose text is likeliest after "Answer:".
-- Rows may have the shape of the Hugging Face hub or of the original JSON lines.
local multiple_choice = require "assay.tasks.kinds.multiple_choice"

local function read(record)
   local question, texts, labels = record.question, {}, {}
   if type(question) == "table" then -- original layout: { stem, choices = { { text, label } } }
      for i, one in ipairs(question.choices) do texts[i], labels[i] = one.text, one.label end
      question = question.stem
   else
      texts, labels = record.choices.text, record.choices.label
   end
   local continuations, gold = {}, nil
   for i, text in ipairs(texts) do
      continuations[i] = " " .. text
      if labels[i] == record.answerKey then gold = i end -- keys are A to E or 1 to 5
   end
   if not gold then return nil end
   return { id = record.id, context = "Question: " .. question .. "\nAnswer:", continuations = continuations,
      choices = texts, gold = gold }
end

return multiple_choice.task { summary = "school science questions, easy set (ARC-E)", protocol = "arc_easy", set = "arc_easy", read = read,
   tokens_per_item = 140 }
