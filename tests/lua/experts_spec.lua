-- Tests that models with experts go the whole way: they are quantized by data-free, calibrated, learned and rotating methods, saved,
-- loaded, and run from their codes. What is not possible is refused by name.
local assay = require "assay"
local native = require "assay.native"
local fs, json = native.fs, native.json

local root, golden = "build/test-experts", "tests/golden/models/"
local make = assert(load(fs.read "tests/lua/make_tiny.lua", "@make_tiny", "t"))
fs.remove_all(root)

-- Returns a golden model, with the tokenizer of the tiny model.
local function subject(name)
   local folder = root .. "/" .. name
   make(folder)
   fs.remove_all(folder .. "/model.safetensors")
   for _, file in ipairs(fs.list(golden .. name)) do
      if file ~= "golden.safetensors" then fs.write(folder .. "/" .. file, fs.read(golden .. name .. "/" .. file)) end
   end
   return assay.load(folder)
end

local ids = {}
for i = 1, 40 do ids[i] = i * 7 % 96 end

local rows = {}
for row = 1, 24 do
   rows[row] = {}
   for i = 1, 48 do rows[row][i] = (row * 31 + i * i * 7) % 96 end
end
local calibration = assay.calibration { ids = rows }

local method = assay.method
local recipes = {
   rtn = method.rtn { bits = 4, group = 8 }, gptq = method.gptq { bits = 4, group = 8 },
   ["gptq, all routed"] = method.gptq { bits = 4, group = 8, experts = "route_all" }, awq = method.awq { bits = 4, group = 8 },
   smoothquant = method.smoothquant {}, ["smoothquant, searched"] = method.smoothquant { groups = "all", search = true },
   autoround = method.autoround { bits = 4, group = 8, iterations = 4 },
   ["rotated values and inputs of down"] = method.quarot { r1 = false, activation = 16, kv = 16, bits = 8 },
}

local function refusal(expected, body)
   local ok, problem = pcall(body)
   assert.is_true(not ok and tostring(problem):find(expected, 1, true) ~= nil, tostring(problem))
end

-- Quantizes, saves and loads; the float logits, those of the quantized model and those of the loaded one belong together.
local function whole_way(name, label, m, recipe)
   local q = m:quantize(recipe, calibration)
   local folder = ("%s/out-%s-%s"):format(root, name, label:gsub("%W", ""))
   local logits = q:logits(ids)
   local far = (logits:max_difference(m:logits(ids)))
   assert.is_true(far < 12, "the float model is far: " .. far)
   if label:find "rotated" then -- no format holds the operation on the inputs of down
      refusal("no consumer of the format runs this operation", function() q:save(folder, { format = "compressed-tensors" }) end)
      return folder
   end
   q:save(folder)
   assert.is_true((logits:max_difference(assay.load(folder):logits(ids))) < 1e-4, "saved and loaded")
   return folder, q
end

for _, name in ipairs { "qwen3_moe-dense-layer", "qwen3_moe-fused-window", "mixtral-untied", "mixtral-fused-window-tied", "olmoe-untied",
                        "olmoe-clip-norm" } do
   describe("the experts of " .. name, function()
      local m = subject(name)
      for label, recipe in pairs(recipes) do
         if not (name:find "clip" and label:find "rotated") then
            it("go the whole way with " .. label, function() whole_way(name, label, m, recipe) end)
         end
      end
      it("run from their codes, and stand in compressed-tensors under their own names", function()
         local folder, q = whole_way(name, "packed", m, recipes.rtn)
         local float, packed = assay.load(folder), assay.load(folder, { runtime = "packed" })
         assert.is_true((float:logits(ids):max_difference(packed:logits(ids))) < 1e-4)
         local module = name:find "mixtral" and "block_sparse_moe" or "mlp"
         local config = json.decode(fs.read(folder .. "/config.json")).quantization_config
         local ignored = {}
         for _, one in ipairs(config.ignore) do ignored[one] = true end
         local layer = name:find "fused" and 1 or 0
         assert.is_true(ignored[("model.layers.%d.%s.gate"):format(layer, module)], "the router is ignored")
         local down = name:find "mixtral" and "w2" or "down_proj"
         local expert = ("model.layers.%d.%s.experts.3.%s"):format(layer, module, down)
         assert.is_true(fs.read(folder .. "/model.safetensors"):find(expert .. ".weight_packed", 1, true) ~= nil, expert)
         assert.is_true(q.summary.active_parameters < q.summary.parameters)
         assert.is_true(q.summary.bits_per_active_weight > q.summary.bits_per_weight)
      end)
      it("are in the description of the model", function()
         local facts = native.model.describe(root .. "/" .. name)
         assert.is_true(facts.supported)
         assert.same({}, facts.unused_tensors)
         assert.is_true(facts.experts.per_token < facts.experts.count)
         assert.is_true(facts.active_parameters < facts.parameters)
      end)
      it("are refused by GGUF", function()
         refusal("GGUF files of the family '" .. name:match "^[^-]+" .. "' are not written",
                 function() m:quantize(recipes.rtn):save(root .. "/gguf-" .. name, { format = "gguf" }) end)
      end)
   end)
end

describe("a rotation of values", function()
   it("is refused where the model clips them", function()
      refusal("this model clips its values (clip_qkv)", function()
         assay.load(root .. "/olmoe-clip-norm"):quantize(recipes["rotated values and inputs of down"], calibration)
      end)
   end)
end)

describe("a recipe for experts", function()
   local m = assay.load(root .. "/olmoe-untied")
   local few = assay.calibration { ids = { rows[1] } }
   it("tells of experts with few tokens and of the policy", function()
      for _, policy in ipairs { "borrow", "plain", "route_all" } do
         local q = m:quantize(method.gptq { bits = 4, group = 8, experts = policy }, few)
         local found = 0
         for _, entry in ipairs(q.ledger) do
            if entry.kind == "starved_expert" then
               found = found + 1
               assert.equal(policy, entry.data.policy)
               assert.is_true(entry.data.tokens < entry.data.columns)
            end
         end
         assert.is_true(found > 0)
      end
   end)
   it("has its policy in its label", function()
      assert.equal("gptq W4 g64 experts plain", method.gptq { experts = "plain" }.label)
   end)
   it("refuses another policy", function()
      refusal("experts", function() method.gptq { experts = "guess" } end)
   end)
   it("names experts by role and by expression", function()
      local q = m:quantize(method.rtn { bits = 4, group = 8, keep = { "lm_head", "re:.*experts\\.[0-3]\\..*", "mlp.down" } })
      local names = {}
      for _, linear in ipairs(q.summary.linears) do names[linear.name] = true end
      assert.is_nil(names["model.layers.0.mlp.experts.1.up_proj"])
      assert.is_nil(names["model.layers.0.mlp.experts.5.down_proj"])
      assert.is_true(names["model.layers.0.mlp.experts.5.up_proj"])
   end)
end)
