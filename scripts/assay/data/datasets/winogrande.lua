-- WinoGrande with its largest training set, xl: a sentence with a gap; which of two words fills it? The original lines
-- also have a qID. Answers of the test split are empty.

local function ask(row)
   local right = row.answer == "1" and row.option1 or row.answer == "2" and row.option2 or nil
   return row.sentence, right
end

return {
   title = "WinoGrande, xl", license = "CC-BY", hub = "allenai/winogrande", folder = "winogrande_xl",
   rows = { train = 40398, validation = 1267, test = 1767 }, default = "validation",
   original = { train = { "train_xl.jsonl" }, validation = { "dev.jsonl" }, test = { "test.jsonl" } },
   read = function(row)
      return { qID = row.qID, sentence = row.sentence, option1 = row.option1, option2 = row.option2,
               answer = row.answer or "" }
   end,
   ask = ask,
}
