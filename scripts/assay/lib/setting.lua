-- Gives scripts the values of --set key=value: assay.setting("limit", 16) is 16 unless the command line has --set limit=4.
-- The default decides the type: a number, a boolean or a text. A value of another type is a mistake of the command line.
local fail = require "assay.lib.fail"
local sys = require("assay.native").sys

return function(key, default)
   local text = sys.settings().values[key]
   if text == nil then return default end
   if type(default) == "number" then
      local number = tonumber(text)
      if not number then
         fail.usage(("--set %s=%s: a number is needed"):format(key, text))
      end
      return number
   end
   if type(default) == "boolean" then
      if text ~= "true" and text ~= "false" then
         fail.usage(("--set %s=%s: true or false is needed"):format(key, text))
      end
      return text == "true"
   end
   return text
end
