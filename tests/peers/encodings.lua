-- Encodes and decodes texts with our tokenizers, and compares the results with those of the Python package tokenizers.
-- usage: assay run tests/peers/encodings.lua CASES.json
-- encodings.py writes CASES.json, a list of { name, folder, texts, answers }, and the files that it names: `texts` is a
-- JSON list of texts; `answers` has a line for each text with the package's ids, a tab, and the decoded text as JSON.
local assay = require "assay"
local fs = require("assay.native").fs

local different = 0
for _, case in ipairs(assay.json.decode(assert(fs.read((...))))) do
   local tokenizer, texts = assay.tokenizer(case.folder), assay.json.decode(assert(fs.read(case.texts)))
   local n, bad = 0, 0
   for line in assert(fs.read(case.answers)):gmatch "[^\n]+" do
      n = n + 1
      local ids = tokenizer:encode(texts[n])
      local own = table.concat(ids, " ") .. "\t" .. assay.json.encode(tokenizer:decode(ids))
      if own ~= line then
         bad = bad + 1
         if bad <= 3 then print("different:", case.name, assay.json.encode(texts[n]), own, line) end
      end
   end
   print(("%-24s %d texts, %d different"):format(case.name, n, bad))
   different = different + bad + (n == #texts and 0 or 1)
end
return different == 0 and 0 or 1
