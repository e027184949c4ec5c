-- Quantizes the tiny models of all families and saves them for families.py, with the logits that transformers must give for them.
-- usage: assay-lab run families.lua FOLDER
local assay = require "assay"
local native = require "assay.native"
local fs, json = native.fs, native.json

local root = ...
local tests = fs.scripts_folder() .. "/../tests/"
local make = assert(load(fs.read(tests .. "lua/make_tiny.lua"), "@make_tiny", "t"))
local expected = json.list {}
local ids = {}
for i = 1, 30 do ids[i] = i * 7 % 96 end

-- Copies a golden model, with the tiny model's tokenizer, and returns its folder.
local function copied(name)
   local folder = root .. "/subject-" .. name
   make(folder)
   fs.remove_all(folder .. "/model.safetensors")
   for _, file in ipairs(fs.list(tests .. "golden/models/" .. name)) do
      if file ~= "golden.safetensors" then fs.write(folder .. "/" .. file, fs.read(tests .. "golden/models/" .. name .. "/" .. file)) end
   end
   return folder
end

local sequences = {}
for i = 1, 8 do
   sequences[i] = {}
   for j = 1, 40 do sequences[i][j] = (i * 31 + j * j * 7) % 96 end
end
local calibration = assay.calibration { name = "ids", ids = sequences, source = { dataset = "a formula" } }
local recipes = { rtn = assay.method.rtn { bits = 4, group = 8 }, gptq = assay.method.gptq { bits = 8, group = -1 } }
for _, name in ipairs(fs.list(tests .. "golden/models")) do
   local folder = copied(name)
   local model = assay.load(folder)
   for method, recipe in pairs(recipes) do
      local q, out = model:quantize(recipe, calibration), ("%s/%s-%s"):format(root, name, method)
      q:save(out, { format = "compressed-tensors" })
      expected[#expected + 1] = { folder = out, ids = json.list(ids), logits = json.list(q:logits(ids):row(#ids):tolist()) }
   end
end
fs.write(root .. "/expected.json", json.encode(expected))
