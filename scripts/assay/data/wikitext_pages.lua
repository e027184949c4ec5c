-- WikiText as lm-evaluation-harness reads it: lines put together to documents, their spelling undone, their words counted.
-- Not the scoring (tasks/perplexity_words.lua).

local wikitext = {}

-- WikiText's spelling undone, rule by rule in the harness' order (evaluation.md 1.4).
function wikitext.detokenised(text)
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
function wikitext.count_words(text)
   local _, gaps = text:gsub("%s+", "")
   return gaps + 1
end

-- Documents: records with 'page', or lines of a table put together from heading to heading (" = Title = ").
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
