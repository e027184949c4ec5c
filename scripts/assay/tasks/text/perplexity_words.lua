-- Perplexity per word and per byte as lm-evaluation-harness measures WikiText. Tokenization marks are removed from whole documents, every
-- token is scored once, and the sum is divided by the words or bytes of the original document. The number depends on the window, so
-- the window is part of the protocol.
local fail = require "assay.lib.fail"
local items = require "assay.tasks.items"
local native = require "assay.native"
local wikitext = require "assay.data.wikitext_pages"

-- The metric over all documents. per: "word" or "byte".
local function numbers_of(samples, per)
   return native.data.metric("perplexity", { weighting = "token", per = per }):evaluate({ task = "wikitext" }, samples)
end

return {
   kind = "perplexity",
   summary = "perplexity per word and per byte (lm-evaluation-harness)",
   options = {
      dataset = { type = "table", required = true, about = "documents ('page') or lines ('text') of WikiText" },
      window = { type = "integer", default = 2048, min = 2, about = "tokens of a window; the number depends on it" },
      limit = { type = "integer", default = 0, min = 0, about = "most documents, drawn by content; 0 = all" },
      seed = { type = "integer", default = 1, min = 0, about = "seed of the draw of documents" },
   },
   metrics = {
      { name = "word_ppl", unit = "ppl", direction = "lower", kind = "ratio" },
      { name = "byte_ppl", unit = "ppl", direction = "lower", kind = "ratio" },
   },
   protocol = function(o)
      return { name = "lm-eval-wikitext-2.0", window = o.window, limit = o.limit > 0 and o.limit or native.json.null,
               seed = o.seed, detokeniser = "wikitext-1", prefix = "beginning of text, else end of text",
               template = native.json.null, dataset = items.dataset_key(o.dataset) }
   end,

   tokens = function(o)
      local bytes, pages = 0, wikitext.documents_of(o.dataset)
      for _, page in ipairs(pages) do bytes = bytes + #page end
      return bytes / 4.2 * (o.limit > 0 and math.min(1, o.limit / #pages) or 1)
   end,

   run = function(o, m, progress)
      local documents = {}
      for i, page in ipairs(wikitext.documents_of(o.dataset)) do documents[i] = { id = "doc-" .. i, prompt = page } end
      if #documents == 0 then fail.work "the dataset has no documents" end
      documents = items.select(documents, o.limit, o.seed)
      local samples, ids, tokens = {}, {}, 0
      for i, document in ipairs(documents) do
         progress(i - 1, #documents, document.id)
         local text = m:encode(wikitext.detokenised(document.prompt), { special = true })
         local r = m:rolling(text, { max_length = o.window })
         samples[i] = { record = { nll_sum = -r.sum, tokens = r.tokens, words = wikitext.count_words(document.prompt),
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
