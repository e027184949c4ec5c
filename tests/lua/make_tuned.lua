-- Makes a fine-tuned copy of a model of F32 tensors: a rank-one update, as of a merged adapter, on every down projection.
-- For small models: the file goes through a script's memory.
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

-- Row r of W + strength * u v', u and v of ones with alternating and slowly turning signs.
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
      for c = 0, columns - 1, 128 do -- Lua's stack holds no whole row of a wide matrix
         local width = math.min(128, columns - c)
         parts[#parts + 1] = updated_row(bytes:sub(at + 4 * c, at + 4 * (c + width) - 1), r, width)
      end
   end
   place = first + rows * columns * 4
end
parts[#parts + 1] = bytes:sub(place)
fs.write(folder .. "/model.safetensors", table.concat(parts))
