-- assay audit REPORT: the guardrails over a report made elsewhere.
-- They are Lua files of gates/; where a build has none for foreign reports this is said plainly.
local fail = require "assay.lib.fail"
local fs = require("assay.native").fs

return function(o)
   if not fs.kind(fs.scripts_folder() .. "/assay/gates/audit.lua") then
      fail.work("this version has no guardrails for reports made elsewhere")
   end
   return require("assay.gates.audit")(o)
end
