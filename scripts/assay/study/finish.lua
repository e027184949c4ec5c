-- What `assay run` and `assay plan` do with the value that a script returns.
-- A study is run or planned; anything else needs nothing more.
local fail = require "assay.lib.fail"
local study = require "assay.study"

return function(value, mode, path)
   if study.is_study(value) then
      if mode == "plan" then return require("assay.study.plan").print(value, path) end
      return require("assay.study.run")(value, path)
   end
   if mode == "plan" then
      fail.usage("this script returns no study, so there is nothing to plan",
                 "Its last line should be: return assay.study { ... }")
   end
   return 0
end
