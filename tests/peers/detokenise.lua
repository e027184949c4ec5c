-- Writes WikiText-2's test documents, each also detokenised (with normal spacing) as the task perplexity_words does it,
-- and the number of its words. Each line of the output is one JSON object.
-- usage: assay run detokenise.lua OUT
local assay = require "assay"
local words = require "assay.data.wikitext_pages"

local file = assert(io.open((...), "w"))
for _, page in ipairs(words.documents_of(assay.dataset.wikitext2 {})) do
   file:write(assay.json.encode { page = page, text = words.detokenised(page), words = words.count_words(page) }, "\n")
end
file:close()
