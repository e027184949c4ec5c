-- Tests the option `scheme` of methods, which gives the bits of weights, inputs and cache in one word, such as "w4a16".
local assay = require "assay"

local function data(recipe) return recipe.data end

describe("a scheme", function()
   it("says bits of weights, inputs and cache in one word", function()
      local w4a16 = data(assay.method.gptq { scheme = "w4a16" })
      assert.equal(4, w4a16.quantizer.config.bits)
      assert.equal(nil, w4a16.activation)
      local w4a8kv8 = data(assay.method.awq { scheme = "w4a8kv8" })
      assert.equal(8, w4a8kv8.activation.bits)
      assert.equal("token", w4a8kv8.activation.strategy)
      assert.equal(8, w4a8kv8.kv.bits)
      local floats = data(assay.method.fp8 { scheme = "w8afp8kvfp8" })
      assert.equal("fp8", floats.activation.type)
      assert.equal("tensor", floats.kv.strategy)
   end)
   it("gives each row of weights one scale if both inputs and weights have 8 bits", function()
      assert.equal(-1, data(assay.method.rtn { scheme = "w8a8" }).quantizer.config.group_size)
      assert.equal(64, data(assay.method.rtn { scheme = "w8a8", group = 64 }).quantizer.config.group_size)
      assert.equal(128, data(assay.method.rtn { scheme = "w4a8" }).quantizer.config.group_size)
   end)
   -- A static scale is the same for all inputs and comes from calibration; other scales are computed from each input.
   it("may ask for static scales, which are calibrated", function()
      local static = assay.method.rtn { scheme = "w8a8-static" }
      assert.equal("tensor", static.data.activation.strategy)
      assert.equal(true, static.calibrated)
      assert.equal(false, assay.method.rtn { scheme = "w8a8" }.calibrated)
   end)
   it("is part of the label", function()
      assert.equal("rtn W4A8KV8 g128", assay.method.rtn { scheme = "w4a8kv8" }.label)
      assert.equal("smoothquant W8A8 a0.8", assay.method.smoothquant {}.label)
   end)
   it("takes the place of a method's own settings", function()
      local turned = data(assay.method.quarot { scheme = "w8a8" })
      assert.equal(8, turned.quantizer.config.bits)
      assert.equal(8, turned.activation.bits)
      assert.equal(nil, turned.kv)
      assert.equal(true, data(assay.method.quarot { scheme = "w4a4kv4" }).kv.rotate)
      assert.equal(nil, data(assay.method.smoothquant { scheme = "w8a16" }).activation)
   end)
   it("is refused if it is wrong or contradicts other options", function()
      assert.raises("assay.method.rtn: 'w4b8' is no scheme. Write the bits of weights, activations and cache: " ..
                    "w4a16, w8a8, w4a8kv8, w8afp8kvfp8",
                    function() return assay.method.rtn { scheme = "w4b8" } end)
      assert.raises("assay.method.rtn: 3 bits and scheme 'w4a16' contradict each other",
                    function() return assay.method.rtn { bits = 3, scheme = "w4a16" } end)
      assert.raises("assay.method.fp8: 8 bits and scheme 'w4a16' contradict each other",
                    function() return assay.method.fp8 { scheme = "w4a16" } end)
      assert.raises("assay.method.rtn: 'w4a16-static' has no activations to scale. Static scales are for a8 and afp8",
                    function() return assay.method.rtn { scheme = "w4a16-static" } end)
   end)
end)
