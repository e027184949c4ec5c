-- The method nf4 rounds weights to 16 fixed values, the quantiles of a normal distribution. It needs no calibration data.
return {
   name = "nf4",
   summary = "4-bit quantiles of the normal distribution",
   scheme_bits = 4,
   recipe = function() return { quantizer = { id = "codebook", config = { codebook = "nf4" } } } end,
}
