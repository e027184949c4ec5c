-- Runs the guardrails: small checks of report.json that say what in a report cannot be believed. The report is one of our own, or
-- somebody else's that was written down in the same form; only its JSON is read. The checks that a study makes with its own
-- measurements (gates) are in scripts/assay/gates.
--
--   local audit = require "assay.audit"
--   local findings = audit.run(report)        --> { { id, severity, title, status, evidence, message, scopes }, ... }
--
-- A rule is { id, severity, title, message, check = function(c) ... end }; check returns one of
--   "fired", evidence [, variants]   the report breaks the rule; evidence says where. variants: ids of those concerned, nil for all
--   "passed", evidence               the report was checked and keeps the rule
--   "unknown", missing               the report lacks what the check needs

local context = require "assay.audit.context"

local audit = {}

local FAMILIES <const> = { "counts", "collapse", "arithmetic", "size", "provenance", "prose", "noise" }

-- What a severity means for the reader.
audit.severities = { block = "blocks claims", flag = "needs a look", note = "for the record" }

local function load_rules()
   local rules = {}
   for _, family in ipairs(FAMILIES) do
      for _, rule in ipairs(require("assay.audit." .. family)) do rules[#rules + 1] = rule end
   end
   table.sort(rules, function(a, b) return a.id < b.id end)
   return rules
end

function audit.rules()
   audit.loaded = audit.loaded or load_rules()
   return audit.loaded
end

-- Applies every rule to a decoded report.json. Returns one finding for each rule, in the order of their ids.
function audit.run(report)
   local c = context.open(report)
   local findings = {}
   for _, rule in ipairs(audit.rules()) do
      local status, evidence, scopes = rule.check(c)
      findings[#findings + 1] = { id = rule.id, severity = rule.severity, title = rule.title, status = status,
         evidence = evidence or "", message = rule.message, scopes = scopes }
   end
   return findings
end

-- The ids of the rules that fired.
function audit.fired(findings)
   local ids = {}
   for _, finding in ipairs(findings) do if finding.status == "fired" then ids[#ids + 1] = finding.id end end
   return ids
end

-- Whether a rule of severity "block" fired. Then no claim of the report can be believed.
function audit.blocked(findings)
   for _, finding in ipairs(findings) do
      if finding.status == "fired" and finding.severity == "block" then return true end
   end
   return false
end

return audit
