-- The method none changes nothing. Its variant goes through the same steps of a study as the other variants, and they
-- are compared with it.
return {
   name = "none",
   summary = "leaves the model as it is",
   scheme_bits = 16,
   recipe = function() return {} end,
   label = function(_, o) return o.scheme and "none " .. o.scheme:upper() or "none" end,
}
