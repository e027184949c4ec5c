-- Tests the methods that make mixtures of GGUF blocks (recipe/mixtures.lua): which matrix gets which type, that the file holds the model bit
-- for bit, and what the file calls itself.
local assay = require "assay"
local mixtures = require "assay.recipe.mixtures"
local native = require "assay.native"
local fs = native.fs

local root = "build/test-mixtures"
local make = assert(load(fs.read "tests/lua/make_tiny.lua", "@make_tiny", "t"))
fs.remove_all(root)
make(root .. "/tiny")
local tiny = assay.load(root .. "/tiny") -- 3 layers; only rows of down have no multiple of 32 columns
local keep = { "mlp.down" }
local reference = { search = "reference", feedback = false, keep = keep }
fs.write(root .. "/text.txt", ("the quick brown fox jumps over the lazy dog, again and again. "):rep(40))
local text = assay.calibration { dataset = assay.dataset.text { path = root .. "/text.txt" }, samples = 4, length = 64 }

-- The type of each linear's blocks, and the type asked for where rows are too narrow for it.
local function types(q)
   local out = {}
   for _, linear in ipairs(q.summary.linears) do out[linear.name] = linear.claims.asked or linear.claims.block end
   return out
end

local function file_type(path)
   local key = "general.file_type"
   local bytes = fs.read(path)
   local _, last = bytes:find(key, 1, true)
   return (string.unpack("<I4", bytes, last + 5)) -- after the u32 that names the value's type
end

local function difference(a, b)
   local ids = {}
   for i = 1, 40 do ids[i] = i * 7 % 96 end
   return (a:logits(ids):max_difference(b:logits(ids)))
end

describe("a mixture", function()
   local labels = { Q2_K = 10, Q3_K_S = 11, Q3_K_M = 12, Q3_K_L = 13, Q4_0 = 2, Q4_K_S = 14, Q5_K_S = 16, Q6_K = 18, Q8_0 = 7,
                    IQ4_NL = 25, IQ4_XS = 30, Q4_K_M = 14, Q5_K_M = 16 } -- without down these two have no sign of M
   for name, label in pairs(labels) do
      it(name .. " is held by a GGUF file bit for bit, and the file says its type", function()
         local folder = root .. "/" .. name
         local q = tiny:quantize(assay.method[name:lower()](reference))
         q:save(folder, { format = "gguf" })
         assert.equal(0.0, difference(q, assay.load(folder .. "/model.gguf")))
         assert.is_true(difference(q, assay.load(folder .. "/model.gguf", { runtime = "packed" })) < 2e-5)
         assert.equal(label, file_type(folder .. "/model.gguf"))
      end)
   end
   it("of plain integer blocks can be saved in other formats too, and the plan knows it before the run", function()
      local options = { search = "reference", feedback = false, embeddings = false, keep = keep }
      local recipe = assay.method.q8_0(options)
      assert.same({}, native.quant.cannot_hold(recipe.data, root .. "/tiny", "compressed-tensors"))
      local q = tiny:quantize(recipe)
      q:save(root .. "/q8-folder", { format = "compressed-tensors" })
      assert.equal(0.0, difference(q, assay.load(root .. "/q8-folder")))
      local refused = native.quant.cannot_hold(assay.method.q4_k_m(options).data, root .. "/tiny", "compressed-tensors")
      assert.contains(refused[1], "not kquant/1")
      assert.same({}, native.quant.cannot_hold(assay.method.q8_0(reference).data, root .. "/tiny", "gguf"))
   end)
   it("gives each matrix the type that llama-quantize gives it", function()
      local layer = "model.layers.%d.self_attn.%s_proj"
      local function of(name, options)
         local found = types(tiny:quantize(assay.method[name](options or reference)))
         local out = {}
         for i = 0, 2 do out[#out + 1] = found[layer:format(i, "v")] end
         for _, one in ipairs { layer:format(0, "q"), layer:format(0, "o"), "lm_head", "model.embed_tokens" } do
            out[#out + 1] = found[one] or "float"
         end
         return table.concat(out, " ")
      end
      --            v of three layers, q, o, head, embedding
      assert.equal("Q4_K Q4_K Q6_K Q4_K Q4_K Q6_K Q4_K", of "q4_k_m")
      assert.equal("Q5_K Q5_K Q5_K Q4_K Q4_K Q6_K Q4_K", of "q4_k_s")
      assert.equal("Q5_K Q5_K Q4_K Q3_K Q4_K Q6_K Q3_K", of "q3_k_m")
      assert.equal("Q5_K Q5_K Q5_K Q3_K Q5_K Q6_K Q3_K", of "q3_k_l")
      assert.equal("Q3_K Q3_K Q3_K Q2_K Q3_K Q6_K Q2_K", of "q2_k")
      assert.equal("Q8_0 Q8_0 Q8_0 Q8_0 Q8_0 Q8_0 Q8_0", of "q8_0")
      assert.equal("IQ4_XS IQ4_XS IQ4_XS IQ4_XS IQ4_XS Q6_K IQ4_XS", of "iq4_xs")
      assert.equal("Q4_K Q4_K Q6_K Q4_K Q4_K float float",
                   of("q4_k_m", { search = "reference", feedback = false, keep = keep, embeddings = false, }))
   end)
   it("differs with and without a search by importance where llama-quantize's does", function()
      local function down(name, by_importance)
         local _, list = mixtures.rules(name, by_importance)
         for _, rule in ipairs(list) do
            if rule.match == "mlp.down" then return rule.config.raised_type .. " " .. rule.config.raised_where end
         end
         return "as the others"
      end
      assert.equal("Q4_1 first_eighth", down("Q4_0", true))
      assert.equal("as the others", down("Q4_0", false))
      assert.equal("as the others", down("IQ4_XS", true))
      assert.equal("Q5_K first_eighth", down("IQ4_XS", false))
   end)
   it("needs calibration text only for what reads inputs", function()
      assert.is_true(assay.method.q4_k_m {}.calibrated)
      assert.is_true(assay.method.q4_k_m { search = "reference" }.calibrated)
      assert.is_true(not assay.method.q4_k_m(reference).calibrated)
      assert.equal("q4_k_m reference without feedback", assay.method.q4_k_m(reference).label)
      assert.equal("gguf Q3_K_M", assay.method.gguf { mixture = "Q3_K_M" }.label)
   end)
   it("takes the user's own types for some linears", function()
      local q = tiny:quantize(assay.method.gguf { mixture = "Q4_K_S", search = "reference", feedback = false, keep = keep,
                                                  overrides = { { match = "attn.q", config = { type = "Q6_K" } } } })
      assert.equal("Q6_K", types(q)["model.layers.1.self_attn.q_proj"])
   end)
   it("is calibrated, tuned and written", function()
      local recipe = assay.method.q4_k_m { keep = keep, tune = { steps = 2, batch = 2 } }
      local q = tiny:quantize(recipe, text)
      q:save(root .. "/tuned", { format = "gguf" })
      assert.equal(0.0, difference(q, assay.load(root .. "/tuned/model.gguf")))
   end)
   it("gives its size to types that fit the model better", function()
      local a = assay.allocate { model = tiny, calibration = text, mixture = "Q4_K_M", types = { "IQ4_XS", "Q4_K", "Q6_K" },
                                 keep = { "lm_head", "mlp.down" } }
      assert.is_true(a.bits <= a.target and #a.units == 18, tostring(a))
      local recipe = assay.method.gguf_best { allocation = a, keep = keep, tune = false, embeddings = false }
      assert.equal("gguf_best Q4_K_M untuned mixed", recipe.label)
      local q = tiny:quantize(recipe, text)
      assert.is_true(math.abs(q.summary.bits_per_quantized_weight - a.bits) < 0.2) -- the codebooks of IQ4 count in so small a model
      for _, unit in ipairs(a.units) do assert.equal(unit.chosen, types(q)[unit.linears[1]]) end
      assert.is_true(a:check(q).measured > 0)
   end)
   it("is refused by formats that hold integer grids only", function()
      local ok, problem = pcall(function()
         tiny:quantize(assay.method.q5_k_s(reference)):save(root .. "/refused", { format = "compressed-tensors" })
      end)
      assert.is_true(not ok and tostring(problem):find("kquant/1", 1, true) ~= nil, tostring(problem))
      local narrow = pcall(function() tiny:quantize(assay.method.q4_0 { search = "reference", feedback = false }) end)
      assert.is_true(not narrow) -- rows of 48
   end)
end)
