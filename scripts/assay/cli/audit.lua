-- assay audit REPORT: prints what in a report cannot be believed. It applies the guardrails (rules for what a report may claim) of
-- scripts/assay/audit to a report.json. The report is one of our own, or somebody else's that was written down as JSON.
local audit = require "assay.audit"
local fail = require "assay.lib.fail"
local native = require "assay.native"
local page = require "assay.audit.page"
local fs, json, sys = native.fs, native.json, native.sys

local GATES_FAILED <const> = 6 -- exit code

-- o: { path = report.json or its folder }. Returns the exit code: 6 if a blocking guardrail fired under --strict, else 0.
return function(o)
   local path = fs.kind(o.path) == "folder" and o.path .. "/report.json" or o.path
   local text, problem = fs.read(path)
   if not text then fail.usage(tostring(problem), "Give a report.json; reports/README.md explains its fields") end
   local report = json.decode(text, path)
   if type(report) ~= "table" or report.schema ~= "assay.report/1" then
      fail.usage(path .. ": this is no report of schema assay.report/1",
         "A foreign report must be transcribed first, see scripts/assay/audit/TRANSCRIBING.md")
   end
   local findings = audit.run(report)
   local settings = sys.settings()
   if settings.json then
      io.write(json.encode { path = path, fired = audit.fired(findings), findings = findings }, "\n")
   else
      io.write(page.text(findings, not settings.quiet))
   end
   return settings.strict and audit.blocked(findings) and GATES_FAILED or 0
end
