-- Tests packed weights: products read the codes of the saved file. For each format below, the logits differ from those
-- of the dequantized weights by less than 2e-5.
local assay = require "assay"
local fail = require "assay.lib.fail"
local native = require "assay.native"

local folder = "build/test-packed"
local make = assert(load(native.fs.read "tests/lua/make_tiny.lua", "@make_tiny", "t"))
native.fs.remove_all(folder)
make(folder .. "/tiny")
local m = assay.load(folder .. "/tiny")
local ids = m:encode "The quick brown fox jumps over the lazy dog, and runs away."

-- Loads a folder both ways (dequantized and packed) and checks that the logits agree and that the packed weights are codes.
local function check(path, format)
   local fake, packed = assay.load(path), assay.load(path, { runtime = "packed" })
   assert.is_true(fake:logits(ids):max_difference(packed:logits(ids)) < 2e-5)
   local facts = packed:info().packed
   assert.same({}, facts.told)
   assert.is_true(facts.formats[format] ~= nil and facts.formats[format].linears >= 14,
                  ("no codes of %s, only of %s"):format(format, table.concat(fail.sorted_keys(facts.formats), ", ")))
   assert.equal(fake:generate("The", { max_tokens = 12 }).text, packed:generate("The", { max_tokens = 12 }).text)
   return packed
end

describe("packed weights", function()
   it("can be asked for with a model that is not quantized, which then runs from its floats", function()
      local packed = assay.load(folder .. "/tiny", { runtime = "packed" })
      assert.is_true(m:logits(ids):max_difference(packed:logits(ids)) < 2e-5)
   end)
   local method = assay.method
   local cases = {
      { "int4", method.rtn { bits = 4, group = 16 }, "compressed-tensors", "pack-quantized" },
      { "int3 asymmetric", method.rtn { bits = 3, group = 16, symmetric = false }, "compressed-tensors", "pack-quantized",
        { dense_packing = true } },
      { "int2", method.rtn { bits = 2, group = 16, symmetric = false }, "compressed-tensors", "pack-quantized" },
      { "int8 rows", method.rtn { bits = 8, group = -1 }, "compressed-tensors", "pack-quantized" },
      { "gptq", method.rtn { bits = 4, group = 16, symmetric = false }, "gptq", "gptq" },
      { "awq", method.rtn { bits = 4, group = 16, symmetric = false }, "awq", "awq" },
      { "nvfp4", method.nvfp4 {}, "compressed-tensors", "nvfp4-pack-quantized" },
      { "fp8", method.fp8 {}, "compressed-tensors", "float-quantized" },
   }
   for _, case in ipairs(cases) do
      local name, recipe, format, stored, config = table.unpack(case)
      it("run from the codes of " .. name, function()
         local path = folder .. "/" .. name:gsub(" ", "-")
         m:quantize(recipe):save(path, { format = format, config = config })
         check(path, stored)
      end)
   end
   for name, recipe in pairs { salient = method.salient { bits = 3, group = 16 }, nf4 = method.nf4 {}, hqq = method.hqq { bits = 4, group = 16 },
                               rtn = method.rtn { bits = 5, group = 16 } } do
      it("run from the forms of " .. name .. ", without a file", function()
         local sequences = recipe.calibrated and assay.calibration { ids = { ids, ids }, allow_short = "a test" } or nil
         local fake = m:quantize(recipe, sequences)
         local packed = fake:packed()
         assert.is_true(fake:logits(ids):max_difference(packed:logits(ids)) < 2e-5)
         assert.same({}, packed:info().packed.told)
      end)
   end
   it("are refused for quantization and for other dtypes, and `runtime` takes no other word", function()
      assert.raises("packed: this model is not quantized. assay.load(path, { runtime = \"packed\" }) runs a model from the floats of its file", m.packed, m)
      local packed = assay.load(folder .. "/int4", { runtime = "packed" })
      assert.raises("quantization needs weights in floats, but these are packed. Load the model without runtime = \"packed\"", packed.quantize, packed, method.rtn { bits = 4, group = 16 })
      assert.raises("load: 'runtime' must be \"packed\" or \"dequantized\", not \"fast\"", assay.load, folder .. "/int4",
                    { runtime = "fast" })
      assert.raises("packed weights compute in float32 on the CPU. Leave dtype and device out, or do not ask for packed weights", assay.load, folder .. "/int4",
                    { runtime = "packed", dtype = "bfloat16" })
   end)
end)
