-- Finds damage in text: template expressions that nobody filled in, and mojibake, which is UTF-8 that was read in another
-- encoding ("Ã©" for "é").

local text_lint = {}

-- The characters of the bytes 0x80, 0x81, ... in two encodings. For the bytes after the end of its list, an encoding
-- equals Latin-1, where the character is the byte's number.
local HIGH_HALVES <const> = {
   macroman = "ÄÅÇÉÑÖÜáàâäãåçéèêëíìîïñóòôöõúùûü†°¢£§•¶ß®©™´¨≠ÆØ∞±≤≥¥µ∂∑∏π∫ªºΩæø¿¡¬√ƒ≈∆«»…"
      .. "\u{A0}ÀÃÕŒœ–—“”‘’÷◊ÿŸ⁄€‹›ﬁﬂ‡·‚„‰ÂÊÁËÈÍÎÏÌÓÔ\u{F8FF}ÒÚÛÙıˆ˜¯˘˙˚¸˝˛ˇ",
   cp1252 = "€\u{81}‚ƒ„…†‡ˆ‰Š‹Œ\u{8D}Ž\u{8F}\u{90}‘’“”•–—˜™š›œ\u{9D}žŸ",
}

-- Returns { code point = byte } for one of these lists, so that misread text can be turned back into its bytes.
local function encoder(high_half)
   local map, byte = {}, 0x80
   for _, code in utf8.codes(high_half) do
      map[code] = byte
      byte = byte + 1
   end
   for code = byte, 0xFF do map[code] = map[code] or code end -- the rest as in Latin-1
   return map
end

local ENCODERS <const> = { { "Mac OS Roman", encoder(HIGH_HALVES.macroman) },
   { "Windows-1252", encoder(HIGH_HALVES.cp1252) },
   { "Latin-1", encoder("") } }

-- Whether a character is of a kind that often gets damaged: punctuation, symbols, emoji, accented Latin, East Asian. Without this test
-- correct text would be reported too: "’é" in proper French could be a misread Armenian letter.
local function plausible(code)
   return code >= 0xA0 and code <= 0x24F or code >= 0x2000 and code <= 0x2BFF or code >= 0x3000 and code <= 0x9FFF
      or code >= 0xFE00 and code <= 0xFE0F or code >= 0x1F000 and code <= 0x1FAFF
end

-- Returns the text that a run of characters was before its bytes were misread in an encoding. Nil if the bytes are not
-- UTF-8, or if the run has fewer than 6 characters and the text would have one that is not `plausible`. codes: the code
-- points of the run; map: from `encoder`.
local function reread(codes, map)
   local bytes = {}
   for i, code in ipairs(codes) do
      if not map[code] then return nil end
      bytes[i] = string.char(map[code])
   end
   local text = table.concat(bytes)
   local length = utf8.len(text)
   if not length or length == #codes then return nil end
   for _, code in utf8.codes(text) do if not plausible(code) and #codes < 6 then return nil end end
   return text
end

-- The first damaged run of a line: the run, the encoding in which it was misread, the text that was meant. Nil if there is none.
function text_lint.mojibake(line)
   if not utf8.len(line) then return line, "no UTF-8 at all", "" end
   if line:find("\u{FFFD}", 1, true) then return "\u{FFFD}", "a lost character", "" end
   for run in line:gmatch("[\x80-\xFF]+") do
      local codes = {}
      for _, code in utf8.codes(run) do codes[#codes + 1] = code end
      for first = 1, #codes - 1 do
         for last = #codes, first + 1, -1 do
            local part = table.move(codes, first, last, 1, {})
            for _, encoding in ipairs(ENCODERS) do
               local meant = reread(part, encoding[2])
               if meant then return utf8.char(table.unpack(part)), encoding[1], meant end
            end
         end
      end
   end
end

-- Returns the line without code spans and mathematics, because braces are normal in them.
local function prose(line)
   return (line:gsub("``.-``", ""):gsub("`[^`]*`", ""):gsub("%$[^$]*%$", ""):gsub("\\[a-zA-Z]+{[^}]*}", ""))
end

-- Words that programs print in place of a missing or invalid value.
local WORDS <const> = { "None", "nan", "NaN", "inf", "undefined", "null", "N/A" }

-- The first unfilled template or placeholder of a line, or nil.
function text_lint.template(line)
   local text = prose(line)
   local found = text:match("{{.-}}") or text:match("{[%w_][^{}]*}") or text:match("%%[sd]%f[^%w]")
      or text:match("%${[^}]*}")
   if found then return found end
   for _, word in ipairs(WORDS) do
      if text:find("%f[%w]" .. word:gsub("%p", "%%%0") .. "%f[^%w]") then return word end
   end
   local todo = "TO" .. "DO"
   return text:find(todo, 1, true) and todo or nil
end

return text_lint
