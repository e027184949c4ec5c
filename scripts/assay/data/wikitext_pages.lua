-- Reads WikiText as lm-evaluation-harness does: puts lines together to documents, undoes their tokenization, counts their words.

local wikitext = {}

-- Undoes the tokenization of WikiText, rule by rule in the order of lm-evaluation-harness (wikitext_detokenizer).
function wikitext.detokenised(text)
   local function literal(from, to)
      text = text:gsub(from:gsub("%p", "%%%0"), (to:gsub("%%", "%%%%")))
   end
   literal("s '", "s'")
   text = text:gsub("/' ([0-9])/", "/'[0-9]/") -- the regular expression of the harness has the same effect
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

-- Number of pieces between runs of white space; empty pieces at both ends count, as in Python's re.split.
function wikitext.count_words(text)
   local _, gaps = text:gsub("%s+", "")
   return gaps + 1
end

-- The documents: the records with 'page', or the lines of a table from heading (" = Title = ") to heading.
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
