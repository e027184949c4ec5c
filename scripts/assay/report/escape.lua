-- Makes foreign text safe for HTML, Markdown and CSV. Model output may hold anything: tags, control characters, bytes that
-- are no UTF-8.

local escape = {}

-- Bytes that are no UTF-8 become U+FFFD, one each; control characters but tab and newline become visible pictures.
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

-- One cell or one line of Markdown: nothing in it can open markup, a table column or a new line.
function escape.markdown(text)
   return (escape.utf8(text):gsub("[\\`*_{}%[%]<>#|~]", "\\%0"):gsub("[\r\n]+", " "))
end

-- A fenced block whose fence is longer than any run of backticks inside.
function escape.fence(text)
   text = escape.utf8(text)
   local longest = 2
   for run in text:gmatch("`+") do longest = math.max(longest, #run) end
   local fence = ("`"):rep(longest + 1)
   return fence .. "text\n" .. text .. (text:sub(-1) == "\n" and "" or "\n") .. fence
end

-- RFC 4180. A text that a spreadsheet would run as a formula gets a leading apostrophe.
function escape.csv(value)
   if value == nil then return "" end
   if type(value) == "number" then return require("assay.report.format").exact(value) end
   local text = escape.utf8(value)
   if text:find("^[=+%-@\t]") then text = "'" .. text end
   if text:find('[,"\r\n]') then return '"' .. text:gsub('"', '""') .. '"' end
   return text
end

return escape
