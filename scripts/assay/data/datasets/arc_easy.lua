-- ARC, easy set: school science questions with choices. The right answer is a letter A to E or a digit 1 to 5; most questions have
-- four choices, a few have three or five. In the original JSON lines the choices are inside the question.

-- Gives an original row the shape of the hub; a row that has this shape already stays as it is.
local function read(row)
   if type(row.question) ~= "table" then return row end
   local texts, labels = {}, {}
   for i, choice in ipairs(row.question.choices) do texts[i], labels[i] = choice.text, choice.label end
   return { id = row.id, question = row.question.stem, choices = { text = texts, label = labels },
            answerKey = row.answerKey }
end

-- For a row of the hub. Its choices become two lists { text, label }; some files have one list of { text, label }.
local function hub(row)
   if row.choices.text ~= nil then return row end
   return read { id = row.id, answerKey = row.answerKey, question = { stem = row.question, choices = row.choices } }
end

local function ask(row)
   for i, label in ipairs(row.choices.label) do
      if label == row.answerKey then return row.question, row.choices.text[i] end
   end
   return row.question, nil
end

return {
   title = "ARC, easy set", license = "CC-BY-SA-4.0", hub = "allenai/ai2_arc", folder = "ARC-Easy",
   rows = { train = 2251, validation = 570, test = 2376 }, default = "test",
   original = { train = { "ARC-Easy-Train.jsonl" }, validation = { "ARC-Easy-Dev.jsonl" },
                test = { "ARC-Easy-Test.jsonl" } },
   read = read, hub_read = hub, ask = ask,
}
