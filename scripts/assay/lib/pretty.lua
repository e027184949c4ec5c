-- Turns values into text for people. Tables are shown to a limited depth, short ones on one line; an object with __tostring gives
-- its own text. A program cannot read this text back; assay.json.encode writes text that a program can read.
local pretty = {}

local max_depth, max_items, max_line = 4, 40, 96

local function is_name(key) return type(key) == "string" and key:match "^[%a_][%w_]*$" end

local function key_text(key)
   if is_name(key) then return key end
   return "[" .. (type(key) == "string" and ("%q"):format(key) or tostring(key)) .. "]"
end

-- The entries of a table as { key or nil, value }: first the list part (key nil), then the named keys. A table with __pairs, such
-- as a JSON object, keeps its own order; other keys are sorted.
local function entries(t)
   local list, named = {}, {}
   for i = 1, #t do list[i] = { nil, t[i] } end
   for key, value in pairs(t) do
      if not (math.type(key) == "integer" and key >= 1 and key <= #t) then
         named[#named + 1] = { key, value }
      end
   end
   local meta = getmetatable(t)
   if not (meta and meta.__pairs) then
      table.sort(named, function(a, b) return tostring(a[1]) < tostring(b[1]) end)
   end
   table.move(named, 1, #named, #list + 1, list)
   return list
end

local show

local function show_table(t, depth, seen)
   if seen[t] then return "{ (itself) }" end
   local all = entries(t)
   if #all == 0 then return "{}" end
   if depth >= max_depth then return ("{ ... %d entries }"):format(#all) end
   seen[t] = true
   local parts, width, multiline = {}, 0, false
   for i, entry in ipairs(all) do
      if i > max_items then
         parts[#parts + 1] = ("... %d more"):format(#all - max_items)
         break
      end
      local text = show(entry[2], depth + 1, seen)
      if entry[1] ~= nil then text = key_text(entry[1]) .. " = " .. text end
      parts[#parts + 1] = text
      width, multiline = width + #text + 2, multiline or text:find "\n" ~= nil
   end
   seen[t] = nil
   if not multiline and width < max_line then return "{ " .. table.concat(parts, ", ") .. " }" end
   local pad = ("  "):rep(depth + 1)
   return "{\n" .. pad .. table.concat(parts, ",\n" .. pad) .. "\n" .. ("  "):rep(depth) .. "}"
end

function show(value, depth, seen)
   if type(value) == "string" then
      return (#value > 200 and ("%q..."):format(value:sub(1, 200)) or ("%q"):format(value)):gsub(
         "\\\n", "\\n")
   end
   local meta = getmetatable(value)
   if type(value) == "table" and not (type(meta) == "table" and meta.__tostring) then
      return show_table(value, depth, seen)
   end
   if type(value) == "userdata" and tostring(value):find "^userdata: %(nil%)" then return "null" end
   return tostring(value)
end

-- The text that print shows for a value that is not a string.
function pretty.text(value) return (show(value, 0, {})) end

function pretty.print(...)
   local parts = table.pack(...)
   for i = 1, parts.n do
      if type(parts[i]) ~= "string" then parts[i] = pretty.text(parts[i]) end
   end
   io.write(table.concat(parts, "\t", 1, parts.n), "\n")
end

return pretty
