-- PIQA: a goal and two ways; which way reaches the goal? The label is 0 or 1. In the original form the labels are in a separate file, one
-- on each line. The test split has no labels; its rows have -1.

local function read(row)
   return { goal = row.goal, sol1 = row.sol1, sol2 = row.sol2, label = math.tointeger(tonumber(row.label)) or -1 }
end

local function ask(row)
   local right = row.label == 0 and row.sol1 or row.label == 1 and row.sol2 or nil
   return row.goal, right
end

return {
   title = "PIQA", license = "AFL-3.0", hub = "ybisk/piqa", folder = "plain_text",
   rows = { train = 16113, validation = 1838, test = 3084 }, default = "validation",
   original = { train = { "train.jsonl", labels = "train-labels.lst" },
                validation = { "valid.jsonl", labels = "valid-labels.lst" }, test = { "tests.jsonl" } },
   read = read, ask = ask,
}
