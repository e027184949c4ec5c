-- The method nvfp4 rounds weights to 4-bit floats in groups of 16 with 8-bit scales. It needs no calibration data.
return {
   name = "nvfp4",
   summary = "4-bit floats in groups of 16, 8-bit scales",
   scheme_bits = 4,
   recipe = function() return { quantizer = { id = "nvfp4" } } end,
}
