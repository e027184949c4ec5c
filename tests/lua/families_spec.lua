-- Tests that every family whose formulas differ from those of Llama goes through the whole way: it is quantized by data-free, calibrated
-- and rotating methods, saved, loaded, and runs from its codes. What the family's norms do not allow is refused by name.
local assay = require "assay"
local native = require "assay.native"
local fs, json = native.fs, native.json

local root, golden = "build/test-families", "tests/golden/models/"
local make = assert(load(fs.read "tests/lua/make_tiny.lua", "@make_tiny", "t"))
fs.remove_all(root)

-- Returns a golden model, with the tokenizer of the tiny model.
local function subject(name)
   local folder = root .. "/" .. name
   make(folder)
   for _, file in ipairs(fs.list(golden .. name)) do
      if file ~= "golden.safetensors" then fs.write(folder .. "/" .. file, fs.read(golden .. name .. "/" .. file)) end
   end
   return assay.load(folder)
end

local ids = {}
for i = 1, 40 do ids[i] = i * 7 % 96 end

local function largest_difference(a, b) return (a:max_difference(b)) end

local rows = {}
for row = 1, 8 do
   rows[row] = {}
   for i = 1, 48 do rows[row][i] = (row * 31 + i * i * 7) % 96 end
end
local calibration = assay.calibration { ids = rows }

local method = assay.method
local recipes = {
   rtn = method.rtn { bits = 4, group = 16 }, gptq = method.gptq { bits = 4, group = 16 }, awq = method.awq { bits = 4, group = 16 },
   smoothquant = method.smoothquant {}, ["smoothquant, searched"] = method.smoothquant { groups = "all", search = true },
   autoround = method.autoround { bits = 4, group = 16, iterations = 4 },
}
local turned = { r1 = false, activation = 16, kv = 16, bits = 4 }

-- Quantizes, saves and loads; the float logits, those of the quantized model and those of the loaded one belong together.
local function whole_way(name, label, m, recipe)
   local q = m:quantize(recipe, calibration)
   local folder = ("%s/out-%s-%s"):format(root, name, label:gsub("%W", ""))
   q:save(folder)
   local logits = q:logits(ids)
   local far = largest_difference(logits, m:logits(ids))
   assert.is_true(far < 8, "the float model is far: " .. far)
   assert.is_true(largest_difference(logits, assay.load(folder):logits(ids)) < 1e-4, "saved and loaded")
   return folder
end

for _, name in ipairs { "gemma3-local-tied", "gemma2-caps-tied", "olmo2-untied", "granite-factors-tied", "smollm3-some-rope", "phi3-window" } do
   describe("the family of " .. name, function()
      local m = subject(name)
      for label, recipe in pairs(recipes) do
         if not (name:find "olmo2" and label == "smoothquant") then
            it("goes the whole way with " .. label, function() whole_way(name, label, m, recipe) end)
         end
      end
      it("runs from its codes", function()
         local folder = whole_way(name, "packed", m, recipes.rtn)
         local float, packed = assay.load(folder), assay.load(folder, { runtime = "packed" })
         assert.is_true(largest_difference(float:logits(ids), packed:logits(ids)) < 1e-4)
         assert.equal(float:generate("The", { max_tokens = 12 }).text, packed:generate("The", { max_tokens = 12 }).text)
      end)
      it("says where its formulas differ from those of Llama", function()
         local facts = native.model.describe(root .. "/" .. name)
         assert.is_true(facts.supported)
         assert.is_true(next(facts.maths) ~= nil)
         assert.same({}, facts.unused_tensors)
      end)
   end)
end

describe("phi3, whose files hold q, k and v as one matrix", function()
   local m = subject "phi3-longrope-tied"
   it("is written to other formats with joined matrices, and read again", function()
      for _, format in ipairs { "gptq", "awq", "compressed-tensors" } do
         local out = root .. "/out-phi3-" .. format
         local q = m:quantize(method.rtn { bits = 4, group = 8, symmetric = format ~= "awq" })
         q:save(out, { format = format })
         assert.is_true(largest_difference(q:logits(ids), assay.load(out):logits(ids)) < 1e-4, format)
         assert.is_true(largest_difference(q:logits(ids), assay.load(out, { runtime = "packed" }):logits(ids)) < 1e-4, format)
         local names = {}
         for _, tensor in ipairs(native.model.describe(out).unused_tensors) do names[#names + 1] = tensor end
         assert.same({}, names)
      end
   end)
   it("cannot be written if its parts have different grids", function()
      local mixed = m:quantize(method.rtn { bits = 4, group = 8, overrides = { { match = "attn.q", config = { bits = 8 } } } })
      local ok, problem = pcall(mixed.save, mixed, root .. "/out-phi3-mixed")
      assert.is_true(not ok and tostring(problem):find("self_attn.qkv_proj' is one matrix in the files of this family, and its parts have " ..
                                                       "different values of bits", 1, true) ~= nil, tostring(problem))
      assert.is_true(fs.kind(root .. "/out-phi3-mixed") == nil)
   end)
   it("takes no texts beyond the original context of longrope", function()
      local long = {}
      for i = 1, 65 do long[i] = 7 end
      assert.equal(64, native.model.describe(root .. "/phi3-longrope-tied").context)
      assert.is_true(not pcall(m.logits, m, long))
   end)
end)

describe("a rotation", function()
   it("of values and of the input of down leaves the function as it is", function()
      for _, name in ipairs { "gemma3-local-tied", "olmo2-untied" } do
         local m = assay.load(root .. "/" .. name)
         assert.is_true(largest_difference(m:quantize(method.quarot(turned), calibration):logits(ids), m:logits(ids)) < 3)
      end
   end)
   it("of the residual stream is refused where a norm lies behind attention", function()
      for _, name in ipairs { "gemma3-local-tied", "gemma2-caps-tied", "olmo2-untied" } do
         local ok, problem = pcall(function() assay.load(root .. "/" .. name):quantize(method.quarot {}, calibration) end)
         assert.is_true(not ok and tostring(problem):find("has norms behind attention and MLP", 1, true) ~= nil, tostring(problem))
      end
   end)
   it("of the residual stream is possible in Granite, whose factors lie outside of it", function()
      local m = assay.load(root .. "/granite-factors-tied")
      local q = m:quantize(method.quarot { activation = 16, kv = 16, bits = 8 }, calibration)
      assert.is_true(largest_difference(q:logits(ids), m:logits(ids)) < 0.5)
   end)
end)

describe("smoothquant", function()
   it("is refused where no norm can take the scales", function()
      local ok, problem = pcall(function() assay.load(root .. "/olmo2-untied"):quantize(method.smoothquant {}, calibration) end)
      assert.is_true(not ok and tostring(problem):find("has no norms in front of its linears", 1, true) ~= nil, tostring(problem))
   end)
end)

describe("a Gemma GGUF file", function()
   local keep = { "lm_head", "mlp.down" } -- its rows of 48 are no multiple of 32
   -- llama.cpp fixes query_pre_attn_scalar; 16 is what it assumes for these sizes.
   local function written(name, edit)
      local folder = root .. "/gguf-" .. name
      subject(name)
      fs.remove_all(folder)
      fs.rename(root .. "/" .. name, folder)
      local config = json.decode(fs.read(folder .. "/config.json"))
      config.query_pre_attn_scalar = 16
      if edit then edit(config) end
      fs.write(folder .. "/config.json", json.encode(config))
      local q = assay.load(folder):quantize(method.rtn { bits = 4, group = 32, keep = keep })
      q:save(folder .. "-out", { format = "gguf", replace = true })
      return q, assay.load(folder .. "-out/model.gguf")
   end
   for _, name in ipairs { "gemma3-pattern-untied", "gemma2-caps-tied" } do
      it("holds the weights of " .. name .. " and computes the same", function()
         local q, read = written(name)
         assert.is_true(largest_difference(q:logits(ids), read:logits(ids)) < 1e-4)
      end)
   end
   it("is refused for what llama.cpp computes otherwise", function()
      local function refused(expected, name, edit)
         local ok, problem = pcall(written, name, edit)
         assert.is_true(not ok and tostring(problem):find(expected, 1, true) ~= nil, tostring(problem))
      end
      refused("query_pre_attn_scalar but 16 here", "gemma3-pattern-untied", function(c) c.query_pre_attn_scalar = 20 end)
      refused("such order of layers", "gemma3-local-tied")
      refused("form without soft caps", "gemma2-no-caps")
   end)
end)
