-- Tests assay.load(model, { adapter = ... }): a LoRA adapter (a small update of some weights) is merged or refused.
-- The adapter's safetensors file is written here, byte by byte.
local assay = require "assay"
local native = require "assay.native"
local fs, json = native.fs, native.json

local folder = ("/tmp/assay_adapter_%d"):format(math.floor(native.sys.clock() * 1e6))
local base = fs.absolute(fs.scripts_folder() .. "/../tests/golden/models/llama-gqa-untied")
local STEM <const> = "base_model.model.model.layers.0.self_attn.q_proj.lora_"

-- Returns n float32 numbers as bytes: value times -2, -1, 0, 1, 2, 3, -3, and so on.
local function floats(n, value)
   local parts = {}
   for i = 1, n do parts[i] = string.pack("<f", value * ((i % 7) - 3)) end
   return table.concat(parts)
end

local function write_adapter(name, b_value, config)
   local a, b = floats(2 * 32, 0.1), floats(32 * 2, b_value)
   local header = ('{"%sA.weight":{"dtype":"F32","shape":[2,32],"data_offsets":[0,%d]},"%sB.weight":{"dtype":"F32",'
                   .. '"shape":[32,2],"data_offsets":[%d,%d]}}'):format(STEM, #a, STEM, #a, #a + #b)
   header = header .. (" "):rep(-#header % 8)
   local path = folder .. "/" .. name
   fs.mkdir(path)
   fs.write(path .. "/adapter_model.safetensors", string.pack("<s8", header) .. a .. b)
   local o = { peft_type = "LORA", r = 2, lora_alpha = 4, target_modules = json.list { "q_proj" } }
   for key, value in pairs(config or {}) do o[key] = value end
   fs.write(path .. "/adapter_config.json", json.encode(o))
   return path
end

describe("an adapter", function()
   local ids = { 1, 5, 9, 2, 7 }
   local plain = assay.load(base)
   local logits = plain:logits(ids)

   it("is merged into the model that is loaded with it", function()
      local changed = assay.load(base, { adapter = write_adapter("changed", 0.5) })
      assert(logits:max_difference(changed:logits(ids)) > 1e-3)
      assert(changed:fingerprint() ~= plain:fingerprint())
   end)
   it("whose update is zero changes nothing", function()
      local same = assay.load(base, { adapter = write_adapter("zero", 0) })
      assert.near(0, (logits:max_difference(same:logits(ids))), 1e-6)
   end)
   it("may name its base itself", function()
      local path = write_adapter("named", 0.5, { base_model_name_or_path = base })
      assert(logits:max_difference(assay.load(path):logits(ids)) > 1e-3)
   end)
   it("with a config.json in its folder is saved with the tokenizer of its base", function()
      local whole = folder .. "/base"
      fs.mkdir(whole)
      for _, name in ipairs { "config.json", "model.safetensors" } do fs.write(whole .. "/" .. name, (fs.read(base .. "/" .. name))) end
      fs.write(whole .. "/tokenizer.json", '{"model":{"type":"BPE","vocab":{"a":0},"merges":[]}}')
      local path = write_adapter("beside", 0.5, { base_model_name_or_path = whole })
      fs.write(path .. "/config.json", (fs.read(base .. "/config.json")))
      local out = folder .. "/saved"
      assay.load(path):quantize(assay.method.rtn { bits = 4, group = 16 }):save(out)
      assert.equal(fs.read(whole .. "/tokenizer.json"), fs.read(out .. "/tokenizer.json"))
   end)
   it("that lacks a module it targets is refused", function()
      local path = write_adapter("lacks", 0.5, { target_modules = json.list { "q_proj", "v_proj" } })
      assert.raises(path .. ": the adapter targets 'v_proj' and has no tensor for it",
                    function() assay.load(base, { adapter = path }) end)
   end)
   it("is a folder with adapter_config.json", function()
      assert.raises(base .. ": the folder has no adapter_config.json. A PEFT adapter is a folder with "
                    .. "adapter_config.json and adapter_model.safetensors",
                    function() assay.load(base, { adapter = base }) end)
   end)
end)

fs.remove_all(folder)
