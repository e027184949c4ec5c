-- Tests names of checkpoint folders, recipes with a calibration or with `tune` (training of scales and norms after quantization),
-- sweeps of settings, and the allocation of bits.
local assay = require "assay"
local naming = require "assay.recipe.naming"
local native = require "assay.native"

local awq = assay.method.awq { bits = 4, group = 128 }

describe("a folder's name", function()
   it("is base, dataset, training, peft and tag", function()
      assert.equal("Qwen3-0.6B-openmath_SFT_NoPeft_AWQ_w4_g128_headfp16",
                   naming.folder { base = "Qwen3-0.6B", dataset = "openmath", training = "SFT", peft = "NoPeft",
                                   tag = naming.tag(awq, true) })
   end)
   it("is the subject's name and _quantized if that name ends in the recipe's tag already", function()
      assert.equal("Qwen3-0.6B-openmath_SFT_NoPeft_AWQ_w4_g128_headfp16_quantized",
                   naming.quantized("Models/Qwen3-0.6B-openmath_SFT_NoPeft_AWQ_w4_g128_headfp16/", awq, true))
   end)
   it("is made from the training record, not from the path", function()
      local folder = ("/tmp/assay_naming_%d"):format(math.floor(native.sys.clock() * 1e6))
      native.fs.mkdir(folder)
      native.fs.write(folder .. "/training_metadata.json",
                      '{"base_model": "Qwen/Qwen3-0.6B", "dataset": "openmath", "peft": "LoRA"}')
      assert.equal("Qwen3-0.6B-openmath_SFT_LoRA_AWQ_w4_g128_quantized", naming.quantized(folder, awq))
      native.fs.remove_all(folder)
   end)
   it("is the subject's name and the tag if there is no training record", function()
      assert.equal("mine_RTN_w3_channel", naming.quantized("x/mine.gguf", assay.method.rtn { bits = 3, group = -1 }))
   end)
end)

describe("a folder that nobody named", function()
   it("goes into the working folder, or beside the model if the working folder is the model's folder", function()
      assert.equal("mine_RTN", naming.place("x/mine", "mine_RTN"))
      local here = native.fs.absolute "."
      local above = here:match "^(.*)/[^/]*$"
      assert.equal(above .. "/mine_RTN", naming.place(".", "mine_RTN"))
      assert.equal(above .. "/mine_RTN", naming.place(here, "mine_RTN"))
      assert.equal(here:match "[^/]+$" .. "_RTN_w3_channel", naming.quantized(".", assay.method.rtn { bits = 3, group = -1 }))
   end)
end)

describe("a recipe", function()
   local c = assay.calibration { name = "mine", ids = { { 1, 2, 3 }, { 4, 5, 6 } } }
   it("takes tune and shows it in its label", function()
      local recipe = assay.method.gptq { tune = { steps = 8 } }
      assert.equal("gptq W4 g64 tuned", recipe.label)
      assert.equal(8, recipe.data.tune.steps)
      assert.equal("best W4 g64 untuned", assay.method.best { tune = false }.label)
   end)
   it("needs calibration data if it has `tune`", function()
      assert.equal(false, assay.method.rtn {}.calibrated)
      assert.equal(true, assay.method.rtn { tune = true }.calibrated)
   end)
   it("carries a calibration of its own", function()
      assert.equal("gptq W4 g64 (mine)", assay.method.gptq { calibration = c }.label)
   end)
   it("is swept one setting at a time, or over all combinations", function()
      local over = { bits = { 3, 4 }, group = { 32, 64 } }
      -- The three are the default (4 bits, groups of 64), 3 bits in groups of 64, and 4 bits in groups of 32.
      assert.equal(3, #assay.sweep { assay.method.gptq, over = over })
      assert.equal(4, #assay.sweep { assay.method.gptq, over = over, full = true })
   end)
   it("is swept over the size of a calibration", function()
      local recipes = assay.sweep { assay.method.gptq, calibration = c, over = { samples = { 1 } } }
      assert.equal(2, #recipes)
      assert.equal(1, #recipes[2].calibration.options.ids)
      assert.equal("gptq W4 g64 (samples 1)", recipes[2].label)
   end)
end)

describe("a tiny model", function()
   local m = assay.load(native.fs.scripts_folder() .. "/../tests/golden/models/llama-gqa-untied")
   local ids = {}
   for s = 1, 4 do
      ids[s] = {}
      for t = 1, 32 do ids[s][t] = (s * 31 + t * 7) % 40 + 1 end
   end
   local c = assay.calibration { ids = ids }
   it("has parts that are ranked by the divergence that their quantization causes", function()
      local q = m:quantize(assay.method.rtn { bits = 4, group = 16 })
      local found = m:sensitivity(q, c)
      assert.equal(0, found.control)
      assert.equal(true, found.full > 0)
      assert.equal(true, #found.units > 0 and found:ranked()[1].kl >= found:ranked()[2].kl)
      assert.equal(true, math.abs(found:agreement()) <= 1)
   end)
   it("shows which inputs of its linears have outliers", function()
      local found = m:salience(c)
      assert.equal(12, #found.inputs) -- four distinct inputs in each of three blocks
      assert.equal(true, found:ranked()[1].outlier_ratio >= found:ranked()[12].outlier_ratio)
      assert.equal(true, found:svg():find("</svg>", 1, true) ~= nil)
   end)
   it("gets bits within a target, and the model that is quantized with them has exactly as many bits as were counted", function()
      local a = assay.allocate { model = m, calibration = c, method = "rtn", bits = { 3, 4, 8 }, group = 16,
                                 target = 6 }
      assert.equal(true, a.bits <= 6)
      local q = m:quantize(assay.method.rtn { group = 16, overrides = a:overrides() })
      local real = a:check(q)
      assert.equal(true, math.abs(real.bits - a.bits) < 1e-9)
      assert.equal(true, real.measured > 0)
   end)
   it("comes nearer to the float model when it is tuned, and the counted bits stay the same", function()
      local recipe = { bits = 3, group = 16 }
      local plain = m:quantize(assay.method.rtn(recipe))
      recipe.tune = { steps = 8, rate = 0.005 }
      local tuned = m:quantize(assay.method.rtn(recipe), c)
      assert.equal(true, m:divergence(tuned, c).kl < m:divergence(plain, c).kl)
      assert.equal(plain.summary.bits_per_weight, tuned.summary.bits_per_weight)
      assert.equal(8, #tuned.metadata.tune.kl)
   end)
end)
