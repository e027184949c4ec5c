-- Reads WikiText as lm-evaluation-harness does: joins lines to documents, counts words, and undoes the data set's tokenization, which
-- puts spaces before commas and writes " @-@ " for a hyphen.

local wikitext = {}

-- Undoes the tokenization of WikiText, rule by rule in the order of lm-evaluation-harness (wikitext_detokenizer).
function wikitext.detokenised(text)
   local function literal(from, to)
      text = text:gsub(from:gsub("%p", "%%%0"), (to:gsub("%%", "%%%%")))
   end
   literal("s '", "s'")
   text = text:gsub("/' ([0-9])/", "/'[0-9]/") -- the harness has the same slashes, so this pattern hardly ever matches
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

-- The number of pieces between runs of white space. An empty piece at either end counts too, as in Python's re.split.
function wikitext.count_words(text)
   local _, gaps = text:gsub("%s+", "")
   return gaps + 1
end

-- Returns the documents as texts. A record with `page` is one document; else the records are lines, and a document goes from one
-- heading (" = Title = ") to the next.
function wikitext.documents_of(dataset)
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

return wikitext
