-- assay report RUN: renders report.json again, for example after the renderers were improved.
local fail = require "assay.lib.fail"
local fs = require("assay.native").fs
local write = require "assay.results.write"

return function(o)
   local folder = o.path:match "^(.*)/report%.json$" or o.path
   if o.path == "report.json" then folder = "." end
   if not fs.kind(folder .. "/report.json") then
      fail.usage(("there is no report.json in '%s'"):format(folder),
                 "Give the folder of a study, for example runs/quickstart")
   end
   local _ <close> = fs.claim_inside(folder)
   local formats = #o.formats > 0 and o.formats or { "html", "md", "csv" }
   for _, path in ipairs(write.render(folder, formats)) do io.write(path, "\n") end
   return 0
end
