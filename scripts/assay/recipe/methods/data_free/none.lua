-- The method none changes nothing: the model goes through the same steps of a study as all others, which are compared with it.
return {
   name = "none",
   summary = "leaves the model as it is",
   scheme_bits = 16,
   recipe = function() return {} end,
   label = function(_, o) return o.scheme and "none " .. o.scheme:upper() or "none" end,
}
