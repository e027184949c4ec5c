-- Nothing: the subject as it is, through the same path. What every other recipe is compared with.
return {
   name = "none",
   summary = "leaves the model as it is",
   options = {},
   recipe = function() return {} end,
   label = function() return "none" end,
}
