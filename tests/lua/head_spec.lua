-- Tests a model whose files hold a head although config.json ties it to the embedding: the head is used, noted in the ledger, and saved.
local assay = require "assay"
local native = require "assay.native"
local fs, json = native.fs, native.json

local root = ("/tmp/assay_head_%d"):format(math.floor(native.sys.clock() * 1e6))
local golden = fs.scripts_folder() .. "/../tests/golden/models/qwen2-tied"
local VOCABULARY <const>, WIDTH <const> = 96, 32

-- Writes the golden model, and a head in a second file.
local function write_model(folder)
   fs.mkdir(folder)
   for _, name in ipairs { "config.json", "model.safetensors" } do
      fs.write(folder .. "/" .. name, assert(fs.read(golden .. "/" .. name)))
   end
   local values = {}
   for i = 1, VOCABULARY * WIDTH do values[i] = string.pack("<f", 0.01 * ((i % 23) - 11)) end
   local bytes = table.concat(values)
   local header = ('{"lm_head.weight":{"dtype":"F32","shape":[%d,%d],"data_offsets":[0,%d]}}')
                     :format(VOCABULARY, WIDTH, #bytes)
   header = header .. (" "):rep(-#header % 8)
   fs.write(folder .. "/head.safetensors", string.pack("<s8", header) .. bytes)
   fs.write(folder .. "/model.safetensors.index.json", json.encode { weight_map = {
      ["model.norm.weight"] = "model.safetensors", ["lm_head.weight"] = "head.safetensors" } })
   return folder
end

describe("a model with a head of its own, although config.json ties it,", function()
   local ids = { 1, 5, 9, 2, 7 }
   local m = assay.load(write_model(root .. "/own"))

   it("has other logits than the tied model, and says so", function()
      assert(m:logits(ids):max_difference(assay.load(golden):logits(ids)) > 1e-2)
      assert.equal(false, m:info().tied_head)
      assert.equal(true, native.model.describe(root .. "/own").untied_by_weights)
      assert.equal(true, assay.load(golden):info().tied_head)
   end)
   it("is noted in the ledger of a quantization, and saved with its head", function()
      local q = m:quantize(assay.method.rtn { bits = 8, group = -1 })
      local kinds = {}
      for _, entry in ipairs(q.ledger) do kinds[entry.kind] = entry end
      assert.equal("lm_head", kinds.own_head.where)
      assert.equal("config.json ties the head to the embedding, but the weights hold another head, which is used and saved",
                   kinds.own_head.text)
      q:save(root .. "/saved")
      assert.equal(false, json.decode(fs.read(root .. "/saved/config.json")).tie_word_embeddings)
      assert.near(0, (q:logits(ids):max_difference(assay.load(root .. "/saved"):logits(ids))), 1e-4)
   end)
   it("gets a ledger entry that a model with a tied head does not get", function()
      for _, entry in ipairs(assay.load(golden):quantize(assay.method.rtn { bits = 8, group = -1 }).ledger) do
         assert(entry.kind ~= "own_head")
      end
   end)
end)

fs.remove_all(root)
