-- assay run: computes the stages of a study that are not stored yet, then writes the report. The function at the end gets the value
-- that a script returned, for `assay run` and `assay plan`.
local assemble = require "assay.results.assemble"
local new_context = require "assay.study.context"
local estimate = require "assay.study.estimate"
local fail = require "assay.lib.fail"
local ledger = require "assay.lib.ledger"
local models = require "assay.study.models"
local native = require "assay.native"
local plan = require "assay.study.plan"
local print_summary = require "assay.results.print_summary"
local stage_list = require "assay.study.stage_list"
local stored = require "assay.results.stored"
local studies = require "assay.study"
local subjects = require "assay.study.subjects"
local write = require "assay.results.write"
local json, sys = native.json, native.sys

-- Under --json, writes one line of JSON about a stage to stdout.
local function event(kind, label, fields)
   if not sys.settings().json then return end
   local line = json.object { { "event", kind }, { "stage", label } }
   for _, key in ipairs(fail.sorted_keys(fields or {})) do line[key] = fields[key] end
   io.write(json.encode(line), "\n")
   io.flush()
end

-- Whether an error ends the study: an error of an untouched model, Ctrl-C, or a fault of this library. Any other error ends only its
-- quantized variant and is reported.
local function ends_study(variant, problem)
   return type(problem) ~= "table" or problem.kind == "cancelled" or variant.none
end

-- Runs one stage. After an error that ends only the variant, the later stages of this variant are skipped.
local function run_stage(context, stage, label)
   local variant = stage.variant
   if context.failed[variant.id] then return end
   event("begin", label)
   local ok, result, was_there = pcall(stage.class.run, context, variant, stage.what)
   if not ok then
      if ends_study(variant, result) then error(result, 0) end
      context.failed[variant.id] = result
      return event("failed", label, { message = tostring(result) })
   end
   if was_there then context.n_stored, context.resumed = context.n_stored + 1, true end
   event("end", label, { stored = was_there, seconds = result.times.seconds })
end

local function run_all(context)
   local stages, machine, total, done = stage_list.of(context.study), estimate.machine(), 0, 0
   for _, stage in ipairs(stages) do
      stage.seconds = stage.class.estimate(machine, stage.variant, stage.what).seconds
      total = total + stage.seconds
   end
   sys.begin(context.study.name)
   for i, stage in ipairs(stages) do
      local label = stage.class.label(stage.variant, stage.what)
      sys.scope(done / total, stage.seconds / total, ("[%d/%d] %s"):format(i, #stages, label))
      run_stage(context, stage, label)
      done = done + stage.seconds
   end
   context.models:release()
   sys.finish()
end

-- The exit code if variants failed: 3 if one of them failed in a plugin, else 1. Nil if none failed.
local function failure_code(context)
   local code
   for id, problem in pairs(context.failed) do
      io.stderr:write(("assay: %s failed: %s\n"):format(id, tostring(problem)))
      code = math.max(code or 1, problem.kind == "plugin" and 3 or 1)
   end
   return code
end

-- Under --strict two things are errors: a failed gate (check of validity) that blocks, and a ledger entry that is more than a note.
local function check_strictly(report)
   for _, gate in ipairs(report.gates) do
      if gate.status == "fail" and gate.severity == "block" then
         sys.fail { kind = "gate", message = ("gate %s failed: %s"):format(gate.id, gate.message) }
      end
   end
   local incidents = ledger.incidents(report.ledger)
   if incidents > 0 then
      sys.fail { kind = "gate", message = ("the ledger has %d entries"):format(incidents),
                 hint = "Look at 'ledger' in report.json" }
   end
end

local function run_study(study, path)
   local folder = sys.settings().out ~= "" and sys.settings().out or "runs/" .. study.name
   local _ <close> = native.fs.claim_inside(folder) -- a second run in this folder is refused
   local context = new_context(study, path, folder)
   subjects.check(study)
   models.require_kernel()
   local ok, problem = pcall(run_all, context)
   if not ok then
      sys.finish()
      error(problem, 0)
   end
   local found = stored.collect(context)
   local report, failures = assemble(found)
   local written = write.all(found, report, failures, context.folder)
   if study.after then study.after(report, context.folder, context) end
   if not sys.settings().json then print_summary(report, written, context.n_stored) end
   local code = failure_code(context)
   if code then return code end
   if sys.settings().strict then check_strictly(report) end
   return 0
end

-- value: what the script returned; mode: "run" or "plan"; path: of the script. Returns the exit code.
return function(value, mode, path)
   if studies.is_study(value) then
      if mode == "plan" then return plan.print(value) end
      return run_study(value, path)
   end
   if mode == "plan" then
      fail.usage("this script returns no study, so there is nothing to plan",
                 "Its last line should be: return assay.study { ... }")
   end
   return 0
end
