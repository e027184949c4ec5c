-- assay api: lists every function of the Lua library. --json writes the manual as JSON, with parameters, types and versions.
-- --set format=annotations writes scripts/meta/assay.lua, and --set format=markdown writes scripts/REFERENCE.md.
local manual = require "assay.lib.manual"
local native = require "assay.native"

return function()
   local settings = native.sys.settings()
   if settings.json then
      io.write(native.json.encode(manual.dump(), { indent = 1 }), "\n")
   elseif settings.values.format == "annotations" then
      io.write(require("assay.lib.annotations").meta())
   elseif settings.values.format == "markdown" then
      io.write(require("assay.lib.annotations").markdown())
   else
      for _, entry in ipairs(manual.entries) do
         io.write(("%-58s %s\n"):format(manual.signature(entry), entry.about))
      end
   end
   return 0
end
