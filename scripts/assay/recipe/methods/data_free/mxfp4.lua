-- The method mxfp4 rounds weights to 4-bit floats in groups of 32 with power-of-two scales. It needs no calibration data.
return {
   name = "mxfp4",
   summary = "4-bit floats in groups of 32, power-of-two scales",
   scheme_bits = 4,
   recipe = function() return { quantizer = { id = "mxfp4" } } end,
}
