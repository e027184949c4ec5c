-- WikiText-2, raw: articles of Wikipedia. A row is one line with its line end. A blank line of the original file (" \n") becomes the
-- empty text. For perplexity the rows are joined with "\n\n", as in the code of the GPTQ paper.

local function read(row)
   if not row.text:find "%S" then return { text = "" } end
   return { text = row.text .. "\n" }
end

return {
   title = "WikiText-2 raw", license = "CC-BY-SA-3.0", hub = "Salesforce/wikitext", folder = "wikitext-2-raw-v1",
   rows = { train = 36718, validation = 3760, test = 4358 }, default = "test",
   original = { train = { "wiki.train.raw" }, validation = { "wiki.valid.raw" }, test = { "wiki.test.raw" } },
   form = { id = "text", config = { records = "line", keep_blank = true } },
   read = read, lines = true,
}
