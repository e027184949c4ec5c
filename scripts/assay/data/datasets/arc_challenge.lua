-- ARC, challenge set: school science questions with choices. Rows have the same shape as in the easy set; only the files differ.
-- See arc_easy.lua for the original form and the hub's.
local easy = require "assay.data.datasets.arc_easy"

return {
   title = "ARC, challenge set", license = easy.license, hub = easy.hub, folder = "ARC-Challenge",
   rows = { train = 1119, validation = 299, test = 1172 }, default = "test",
   original = { train = { "ARC-Challenge-Train.jsonl" }, validation = { "ARC-Challenge-Dev.jsonl" },
                test = { "ARC-Challenge-Test.jsonl" } },
   read = easy.read, hub_read = easy.hub_read, ask = easy.ask,
}
