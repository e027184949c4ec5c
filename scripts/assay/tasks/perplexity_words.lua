-- Perplexity per word and per byte as lm-evaluation-harness measures WikiText: whole documents, detokenised, every token
-- scored once, divided by the words or bytes of the original. Depends on the window, which is part of the protocol.
local fail = require "assay.fail"
local items = require "assay.items"
local native = require "assay.native"

-- WikiText's spelling undone, rule by rule in the harness' order (evaluation.md 1.4).
local function detokenised(text)
   local function literal(from, to)
      text = text:gsub(from:gsub("%p", "%%%0"), (to:gsub("%%", "%%%%")))
   end
   literal("s '", "s'")
   text = text:gsub("/' ([0-9])/", "/'[0-9]/") -- the harness' regular expression does nothing else either
   literal(" @-@ ", "-") literal(" @,@ ", ",") literal(" @.@ ", ".")
   literal(" : ", ": ") literal(" ; ", "; ") literal(" . ", ". ") literal(" ! ", "! ") literal(" ? ", "? ")
   literal(" , ", ", ")
   text = text:gsub("%(%s*([^%)]-)%s*%)", "(%1)"):gsub("%[%s*([^%]]-)%s*%]", "[%1]")
              :gsub("{%s*([^}]-)%s*}", "{%1}"):gsub('"%s*([^"]-)%s*"', '"%1"'):gsub("'%s*([^']-)%s*'", "'%1'")
   literal("= = = =", "====") literal("= = =", "===") literal("= =", "==")
   literal(" " .. utf8.char(176) .. " ", utf8.char(176))
   literal(" \n", "\n") literal("\n ", "\n") literal(" N ", " 1 ") literal(" 's", "'s")
   return text
end

-- Pieces of a split at runs of white space: empty ones at the ends count, as Python's re.split gives them.
local function count_words(text)
   local _, gaps = text:gsub("%s+", "")
   return gaps + 1
end

-- Documents: records with 'page', or lines of a table put together from heading to heading (" = Title = ").
local function documents_of(dataset)
   local pages, current = {}, nil
   local function close()
      if current and table.concat(current):find "%S" then pages[#pages + 1] = table.concat(current) end
   end
   for record in dataset:records() do
      if record.page then
         pages[#pages + 1] = record.page
      else
         local line = record.text == "" and " \n" or record.text
         if line:match "^ = [^=].* = \n?$" then
            close()
            current = {}
         end
         current = current or {}
         current[#current + 1] = line
      end
   end
   close()
   return pages
end

local function numbers_of(samples, per)
   return native.data.metric("perplexity", { weighting = "token", per = per }):evaluate({ task = "wikitext" }, samples)
end

return {
   kind = "perplexity",
   summary = "perplexity per word and per byte (lm-evaluation-harness)",
   options = {
      dataset = { type = "table", required = true, about = "documents ('page') or lines ('text') of WikiText" },
      window = { type = "integer", default = 2048, min = 2, about = "tokens of a window; part of the number" },
      limit = { type = "integer", default = 0, min = 0, about = "documents at most, drawn by content; 0 = all" },
      seed = { type = "integer", default = 1, min = 0, about = "of the draw of documents" },
   },
   metrics = {
      { name = "word_ppl", unit = "ppl", direction = "lower", kind = "ratio" },
      { name = "byte_ppl", unit = "ppl", direction = "lower", kind = "ratio" },
   },
   detokenised = detokenised, count_words = count_words, documents_of = documents_of,

   protocol = function(o)
      return { name = "lm-eval-wikitext-2.0", window = o.window, limit = o.limit > 0 and o.limit or native.json.null,
               seed = o.seed, detokeniser = "wikitext-1", prefix = "beginning of text, else end of text",
               template = native.json.null, dataset = items.dataset_key(o.dataset) }
   end,

   tokens = function(o)
      local bytes, pages = 0, documents_of(o.dataset)
      for _, page in ipairs(pages) do bytes = bytes + #page end
      return bytes / 4.2 * (o.limit > 0 and math.min(1, o.limit / #pages) or 1)
   end,

   run = function(o, m, progress)
      local documents = {}
      for i, page in ipairs(documents_of(o.dataset)) do documents[i] = { id = "doc-" .. i, prompt = page } end
      if #documents == 0 then fail.work "the dataset has no documents" end
      documents = items.select(documents, o.limit, o.seed)
      local samples, ids, tokens = {}, {}, 0
      for i, document in ipairs(documents) do
         progress(i - 1, #documents, document.id)
         local text = m:encode(detokenised(document.prompt), { special = true })
         local r = m:rolling(text, { max_length = o.window })
         samples[i] = { record = { nll_sum = -r.sum, tokens = r.tokens, words = count_words(document.prompt),
                                   bytes = #document.prompt } }
         ids[i], tokens = document.id, tokens + r.tokens
      end
      local words, note = numbers_of(samples, "word")
      local bytes = numbers_of(samples, "byte")
      local result = items.result(ids, { word_ppl = words.ppl, byte_ppl = bytes.ppl }, {}, note)
      result.counts = { tokens = tokens, documents = #documents }
      return result
   end,
}
