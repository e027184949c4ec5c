-- Makes text from models and files safe for HTML, Markdown and CSV. Model output may contain anything: tags, control characters,
-- bytes that are not UTF-8.

local escape = {}

-- Returns valid UTF-8. A byte that is not UTF-8 becomes U+FFFD; a control character other than tab and newline becomes its visible
-- symbol, such as ␀.
function escape.utf8(text)
   text = tostring(text)
   local out, place = {}, 1
   while place <= #text do
      local ok_length, bad = utf8.len(text, place)
      if ok_length then
         out[#out + 1] = text:sub(place)
         break
      end
      out[#out + 1] = text:sub(place, bad - 1) .. "\u{FFFD}"
      place = bad + 1
   end
   local clean = table.concat(out)
   return (clean:gsub("[%z\1-\8\11-\31\127]", function(c)
      local byte = c:byte()
      return byte == 127 and "\u{2421}" or utf8.char(0x2400 + byte)
   end))
end

local HTML <const> = { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;", ['"'] = "&quot;", ["'"] = "&#39;" }

function escape.html(text) return (escape.utf8(text):gsub("[&<>\"']", HTML)) end

-- A text for one cell or one line of Markdown. It cannot start markup, a table column or a new line.
function escape.markdown(text)
   return (escape.utf8(text):gsub("[\\`*_{}%[%]<>#|~]", "\\%0"):gsub("[\r\n]+", " "))
end

-- A code block of Markdown. Its fence is longer than any run of backticks inside, so the text cannot end the block.
function escape.fence(text)
   text = escape.utf8(text)
   local longest = 2
   for run in text:gmatch("`+") do longest = math.max(longest, #run) end
   local fence = ("`"):rep(longest + 1)
   return fence .. "text\n" .. text .. (text:sub(-1) == "\n" and "" or "\n") .. fence
end

-- A cell of CSV by RFC 4180. A text that a spreadsheet would run as a formula ("=1+1") gets a leading apostrophe.
function escape.csv(value)
   if value == nil then return "" end
   if type(value) == "number" then return require("assay.report.format").exact(value) end
   local text = escape.utf8(value)
   if text:find("^[=+%-@\t]") then text = "'" .. text end
   if text:find('[,"\r\n]') then return '"' .. text:gsub('"', '""') .. '"' end
   return text
end

return escape
