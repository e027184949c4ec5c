-- Nothing: the subject as it is, through the same path. What every other recipe is compared with.
return {
   name = "none",
   summary = "leaves the model as it is",
   scheme_bits = 16,
   recipe = function() return {} end,
   label = function(_, o) return o.scheme and "none " .. o.scheme:upper() or "none" end,
}
