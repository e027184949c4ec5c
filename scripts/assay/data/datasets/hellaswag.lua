-- HellaSwag: the beginning of a scene and four endings; which ending fits? The label is the number of the ending, from 0: a text ("2")
-- on the hub, a number in the original. Labels of the test split are empty.

local function read(row)
   row.label = row.label ~= nil and tostring(row.label) or ""
   return row
end

local function ask(row)
   local label = tonumber(row.label)
   return row.ctx or row.ctx_a .. " " .. row.ctx_b, label and row.endings[label + 1]
end

return {
   title = "HellaSwag", license = "MIT", hub = "Rowan/hellaswag", folder = "data",
   rows = { train = 39905, validation = 10042, test = 10003 }, default = "validation",
   original = { train = { "hellaswag_train.jsonl" }, validation = { "hellaswag_val.jsonl" },
                test = { "hellaswag_test.jsonl" } },
   read = read, ask = ask,
}
