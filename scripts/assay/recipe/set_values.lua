-- The values of --set WORD.KEY=VALUE for one word, as a table of options: with "export", --set export.fit=wider gives { fit = "wider" }.
-- true, false and numbers are taken as such.
local native = require "assay.native"

return function(word)
   local out = native.json.object {}
   for key, value in pairs(native.sys.settings().values) do
      local name = key:match("^" .. word .. "%.(.+)$")
      if name then out[name] = value == "true" or value ~= "false" and (tonumber(value) or value) end
   end
   return out
end
