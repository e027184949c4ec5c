-- assay report RUN: makes the pages of a finished study again from its report.json, for example after a renderer was improved.
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
