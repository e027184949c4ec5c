-- The method fp8 rounds weights to 8-bit floats with one scale for each row. It needs no calibration data.
return {
   name = "fp8",
   summary = "8-bit floats, one scale for each row",
   scheme_bits = 8,
   recipe = function() return { quantizer = { id = "fp8" } } end,
}
