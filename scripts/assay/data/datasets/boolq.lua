-- BoolQ: a passage and a question about it; the answer is yes or no. The original lines also have a title, which the hub dropped.
-- The test split is left out, because it has no answers.

local function ask(row)
   if row.answer == nil then return row.passage .. "\n" .. row.question .. "?", nil end
   return row.passage .. "\n" .. row.question .. "?", row.answer and "yes" or "no"
end

return {
   title = "BoolQ", license = "CC-BY-SA-3.0", hub = "google/boolq", folder = "data",
   rows = { train = 9427, validation = 3270 }, default = "validation",
   original = { train = { "train.jsonl", "boolq_train.jsonl" }, validation = { "dev.jsonl", "boolq_dev.jsonl" } },
   read = function(row) return { question = row.question, answer = row.answer, passage = row.passage } end,
   ask = ask,
}
