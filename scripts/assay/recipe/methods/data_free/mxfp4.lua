-- 4-bit floats in groups of 32, power-of-two scales. Data-free.
return {
   name = "mxfp4",
   summary = "4-bit floats in groups of 32, power-of-two scales",
   scheme_bits = 4,
   recipe = function() return { quantizer = { id = "mxfp4" } } end,
}
