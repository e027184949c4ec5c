-- BoolQ in the form of SuperGLUE: the same questions, but cleaned passages and the label 0 or 1.
-- Its scores must not be compared with those of boolq, because the passages differ.

local function read(row)
   local label = row.label
   if label == nil then label = -1 end -- original rows of the test split have no label; the hub gives them -1
   if type(label) == "boolean" then label = label and 1 or 0 end
   return { question = row.question, passage = row.passage, idx = row.idx, label = label }
end

local function ask(row)
   local question = row.passage .. "\n" .. row.question .. "?"
   if row.label ~= 0 and row.label ~= 1 then return question, nil end -- -1 in the test split
   return question, row.label == 1 and "yes" or "no"
end

return {
   title = "BoolQ of SuperGLUE", license = "CC-BY-SA-3.0", hub = "aps/super_glue", folder = "boolq",
   rows = { train = 9427, validation = 3270, test = 3245 }, default = "validation",
   original = { train = { "train.jsonl" }, validation = { "val.jsonl" }, test = { "test.jsonl" } },
   read = read, ask = ask,
}
