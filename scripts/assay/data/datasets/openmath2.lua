-- OpenMathInstruct-2: mathematical problems with generated solutions. train_1M, train_2M and train_5M are parts of train.
-- No split is for evaluation. Some problems were made from training questions of GSM8K and MATH.
return {
   title = "OpenMathInstruct-2", license = "CC-BY-4.0", hub = "nvidia/OpenMathInstruct-2", folder = "data",
   rows = { train = 13972791, train_1M = 1000000, train_2M = 2000000, train_5M = 5000000 },
   default = "train_1M",
   original = { train = { "train.jsonl" }, train_1M = { "train_1M.jsonl" }, train_2M = { "train_2M.jsonl" },
                train_5M = { "train_5M.jsonl" } },
   ask = function(row) return row.problem, row.generated_solution end,
}
