-- 8-bit floats, one scale for each row. Data-free.
return {
   name = "fp8",
   summary = "8-bit floats, one scale for each row",
   scheme_bits = 8,
   recipe = function() return { quantizer = { id = "fp8" } } end,
}
