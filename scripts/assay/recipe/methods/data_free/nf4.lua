-- 4-bit quantiles of the normal distribution. Data-free.
return {
   name = "nf4",
   summary = "4-bit quantiles of the normal distribution",
   scheme_bits = 4,
   recipe = function() return { quantizer = { id = "codebook", config = { codebook = "nf4" } } } end,
}
