-- GSM8K: word problems of primary school mathematics. An answer is a worked solution that ends with "#### n", the result.
-- The original JSON lines have the same fields as the hub.
return {
   title = "GSM8K", license = "MIT", hub = "openai/gsm8k", folder = "main",
   rows = { train = 7473, test = 1319 }, default = "test",
   original = { train = { "train.jsonl" }, test = { "test.jsonl" } },
   ask = function(row) return row.question, row.answer end,
}
