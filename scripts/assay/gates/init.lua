-- Builds the list of a study's gates. A gate is a check that decides whether the study's numbers can be believed. Each gate is a file of
-- this folder that returns one table:
--
--   { id, title, severity, scope, failed, passed, check = function(facts, about) return status, evidence end }
--
-- severity: "block" (verdicts in its scope become invalid), "flag" or "note".
-- scope: what one check is about. It decides what `about` is: for "subject" the variant of an untouched model, for "variant" that of a
-- changed model, for "model" either of them, for "study" nil. Only the gate COLLAPSE gets the variant's id instead of the variant.
-- status: "pass", "fail" or "not_run". failed, passed: what the result means for the reader; passed may be absent.
--
-- facts: { run = what the stages stored, rows = results of tasks, compared with the untouched model (results/comparisons.lua),
-- calibrations, distance, signs = parts of the report, bytes_on_disk = { [variant id] = bytes },
-- baselines = function(task, metric), changed_variants = ids }.
local audit = require "assay.audit"
local baseline = require "assay.gates.baseline"
local calibration = require "assay.gates.calibration"
local changed_tensors = require "assay.gates.changed_tensors"
local collapse = require "assay.gates.collapse"
local error_growth = require "assay.gates.error_growth"
local finite_weights = require "assay.gates.finite_weights"
local identity = require "assay.gates.identity"
local native = require "assay.native"
local packed_parity = require "assay.gates.packed_parity"
local short_answers = require "assay.gates.short_answers"
local stored_bytes = require "assay.gates.stored_bytes"
local json = native.json
local null = json.null

local gates = {}

local PREFLIGHT <const> = { changed_tensors, stored_bytes, finite_weights, error_growth, short_answers, packed_parity }

-- The entry of report.json for one check.
local function checked(gate, facts, about, scope)
   local status, evidence = gate.check(facts, about)
   local message = status == "pass" and gate.passed or status == "fail" and gate.failed or ""
   return { id = gate.id, title = gate.title, severity = gate.severity, status = status, scope = scope,
            evidence = evidence, message = message }
end

-- The gates that rest on a study's own measurements, in the order in which a report shows them.
function gates.of_study(facts)
   local out = {}
   local function add(gate, about, scope) out[#out + 1] = checked(gate, facts, about, scope) end
   local function of_subjects(gate)
      for _, variant in ipairs(facts.run.variants) do
         if variant.none then add(gate, variant, variant.subject.id) end
      end
   end
   of_subjects(identity)
   for _, variant in ipairs(facts.run.variants) do
      for _, gate in ipairs(variant.preflight and not variant.problem and PREFLIGHT or {}) do
         if gate.scope == "model" or not variant.none then add(gate, variant, variant.id) end
      end
   end
   add(calibration)
   of_subjects(baseline)
   for _, id in ipairs(facts.changed_variants) do add(collapse, id, id) end
   return out
end

local STATUS <const> = { fired = "fail", passed = "pass", unknown = "not_run" }

-- Applies the guardrails of scripts/assay/audit to the assembled report. A guardrail becomes one gate for each variant that breaks
-- it, or one gate for the study.
function gates.guardrails(report)
   local out = {}
   for _, finding in ipairs(audit.run(report)) do
      local seen = {}
      for _, scope in ipairs(finding.scopes and #finding.scopes > 0 and finding.scopes or { false }) do
         if not seen[scope] then
            out[#out + 1] = { id = finding.id, title = finding.title, severity = finding.severity, scope = scope or nil,
                              status = STATUS[finding.status], evidence = finding.evidence, message = finding.message }
         end
         seen[scope] = true
      end
   end
   return out
end

-- The study's own gates, followed by the guardrails.
function gates.with_guardrails(own, report)
   local out, guardrails = table.move(own, 1, #own, 1, {}), gates.guardrails(report)
   return table.move(guardrails, 1, #guardrails, #own + 1, out)
end

-- The list as report.json holds it.
function gates.json(list)
   local out = json.list {}
   for i, gate in ipairs(list) do
      out[i] = json.object { { "id", gate.id }, { "title", gate.title }, { "severity", gate.severity }, { "status", gate.status },
                             { "scope", gate.scope or null }, { "evidence", gate.evidence or null }, { "message", gate.message } }
   end
   return out
end

return gates
