-- Makes a changed copy of a model, as if fine-tuned: each down projection W becomes W + STRENGTH * u v', as by a merged adapter of
-- rank 1. u is a column and v' a row of numbers 1 and -1.
-- It works only for small models with F32 tensors in one file, since it holds the whole file in memory.
-- usage: assay run tests/lua/make_tuned.lua MODEL FOLDER [STRENGTH]
local native = require "assay.native"
local fs, json = native.fs, native.json

local source, folder, strength = ...
strength = tonumber(strength or "0.02")
fs.mkdir(folder)
for _, name in ipairs(fs.list(source)) do
   if name ~= "model.safetensors" then fs.write(folder .. "/" .. name, assert(fs.read(source .. "/" .. name))) end
end

local bytes = assert(fs.read(source .. "/model.safetensors"))
local header_bytes = ("<I8"):unpack(bytes)
local header = json.decode(bytes:sub(9, 8 + header_bytes))
local base = 8 + header_bytes

-- Returns part of row r of W + strength * u v'. `text` holds the part's old values, `columns` of them.
-- The sign of u changes with each row, the sign of v every three columns.
local function updated_row(text, r, columns)
   local values = table.pack(("<" .. ("f"):rep(columns)):unpack(text))
   local u = r % 2 == 0 and 1 or -1
   for c = 1, columns do values[c] = values[c] + strength * u * (c // 3 % 2 == 0 and 1 or -1) end
   return ("<" .. ("f"):rep(columns)):pack(table.unpack(values, 1, columns))
end

local edits = {}
for name, tensor in pairs(header) do
   if name:find "mlp%.down_proj%.weight$" then
      assert(tensor.dtype == "F32", name .. " is not F32")
      edits[#edits + 1] = tensor
   end
end
table.sort(edits, function(a, b) return a.data_offsets[1] < b.data_offsets[1] end)

local parts, place = {}, 1
for _, tensor in ipairs(edits) do
   local rows, columns = tensor.shape[1], tensor.shape[2]
   local first = base + tensor.data_offsets[1] + 1
   parts[#parts + 1] = bytes:sub(place, first - 1)
   for r = 1, rows do
      local at = first + (r - 1) * columns * 4
      for c = 0, columns - 1, 128 do -- in parts, since a whole row of a wide matrix does not fit on Lua's stack
         local width = math.min(128, columns - c)
         parts[#parts + 1] = updated_row(bytes:sub(at + 4 * c, at + 4 * (c + width) - 1), r, width)
      end
   end
   place = first + rows * columns * 4
end
parts[#parts + 1] = bytes:sub(place)
fs.write(folder .. "/model.safetensors", table.concat(parts))
