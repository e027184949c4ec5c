-- assay run: computes the stages of a study that are not stored yet, then writes the report.
-- Order: facts of each subject, identity gate, calibrations, then every variant: quantize, save, look, measure.
local assemble = require "assay.results.assemble"
local contamination = require "assay.data.overlap"
local fail = require "assay.lib.fail"
local identity = require "assay.study.stages.identity"
local native = require "assay.native"
local noise = require "assay.study.stages.repeat_run"
local plan = require "assay.study.plan"
local preflight = require "assay.study.stages.preflight"
local print_summary = require "assay.results.print_summary"
local store = require "assay.study.store"
local stored = require "assay.results.stored"
local variants = require "assay.study.variant"
local write = require "assay.results.write"
local json, sys = native.json, native.sys

-- One stage = { kind, variant, task?, seconds (estimate) }, in order of execution.
local function stages_of(study, rate)
   local stages, seen = {}, {}
   local function add(kind, variant, task, calibration)
      stages[#stages + 1] = { kind = kind, variant = variant, task = task, calibration = calibration,
                              seconds = plan.seconds(kind, variant, task, rate) }
   end
   for _, variant in ipairs(study:variants()) do
      if not seen[variant.subject.id] then
         add("identity", variant)
         for _, calibration in ipairs(study:calibrations()) do add("calibration", variant, nil, calibration) end
      end
      seen[variant.subject.id] = true
      if not variant.none then add("quantize", variant) end
      add("preflight", variant)
      for _, task in ipairs(study.tasks) do
         add("task", variant, task)
         if variant.none and study.noise > 0 then add("noise", variant, task) end
      end
   end
   return stages
end

local function name_of(stage)
   if stage.kind == "task" then return stage.variant.id .. ": " .. stage.task.id end
   if stage.kind == "noise" then return stage.variant.id .. ": " .. stage.task.id .. " again" end
   local name = stage.calibration and stage.calibration.options.name
   return stage.variant.id .. ": " .. stage.kind .. (name and " " .. name or "")
end

local function event(kind, stage, fields)
   if not sys.settings().json then return end
   local line = json.object { { "event", kind }, { "stage", name_of(stage) } }
   for _, key in ipairs(fail.sorted_keys(fields or {})) do line[key] = fields[key] end
   io.write(json.encode(line), "\n")
   io.flush()
end

local function run_stage(context, stage)
   if stage.kind == "identity" then return identity.run(context, stage.variant) end
   if stage.kind == "calibration" then
      local subject = stage.variant.subject
      return contamination.run(context, subject, variants.fingerprint(context, subject), stage.calibration)
   end
   if stage.kind == "quantize" then return variants.quantize(context, stage.variant) end
   if stage.kind == "preflight" then return preflight.run(context, stage.variant) end
   if stage.kind == "noise" then return noise.run(context, stage.variant, stage.task) end
   return variants.measure(context, stage.variant, stage.task)
end

-- Errors of one variant do not end the study, except Ctrl-C; they are kept for the report.
local function try_stage(context, stage)
   local failed = context.failed[stage.variant.id]
   if failed then return end
   event("begin", stage)
   local ok, result, was_there = pcall(run_stage, context, stage)
   if not ok then
      local problem = result
      local kind = type(problem) == "table" and problem.kind
      if kind == "cancelled" or stage.variant.none or type(problem) ~= "table" then error(problem, 0) end
      context.failed[stage.variant.id] = problem
      event("failed", stage, { message = tostring(problem) })
      return
   end
   context.resumed = context.resumed or was_there
   if was_there then context.n_stored = context.n_stored + 1 end
   event("end", stage, { stored = was_there, seconds = result.times.seconds })
end

local function run_all(context, stages)
   local total, done = 0, 0
   for _, stage in ipairs(stages) do total = total + stage.seconds end
   sys.begin(context.study.name)
   for i, stage in ipairs(stages) do
      sys.scope(done / total, stage.seconds / total,
                ("[%d/%d] %s"):format(i, #stages, name_of(stage)))
      try_stage(context, stage)
      done = done + stage.seconds
   end
   context.models:release()
   sys.finish()
end

local function outcome(context, report)
   local settings = sys.settings()
   for id, problem in pairs(context.failed) do
      io.stderr:write(("assay: %s failed: %s\n"):format(id, tostring(problem)))
   end
   if next(context.failed) then
      for _, problem in pairs(context.failed) do
         if problem.kind == "plugin" then return 3 end
      end
      return 1
   end
   if settings.strict then
      for _, gate in ipairs(report.gates) do
         if gate.status == "fail" and gate.severity == "block" then
            sys.fail { kind = "gate", message = ("gate %s failed: %s"):format(gate.id, gate.message) }
         end
      end
      local incidents = 0
      for _, entry in ipairs(report.ledger) do
         if entry.event ~= "note" then incidents = incidents + 1 end
      end
      if incidents > 0 then
         sys.fail { kind = "gate", message = ("the ledger has %d entries"):format(incidents),
                    hint = "Look at 'ledger' in report.json" }
      end
   end
   return 0
end

return function(study, path)
   local settings = sys.settings()
   local folder = settings.out ~= "" and settings.out or "runs/" .. study.name
   local context = {
      study = study, path = path, folder = folder, failed = {}, n_stored = 0, resumed = false,
      started = sys.utc(), clock = sys.clock(), store = store.open(folder .. "/store", settings.version),
      models = variants.models(),
   }
   for _, subject in ipairs(study.subjects) do plan.facts(subject) end
   local stages = stages_of(study, native.tensor.gemm_rate())
   local ok, problem = pcall(run_all, context, stages)
   if not ok then
      sys.finish()
      error(problem, 0)
   end
   local found = stored.collect(context)
   local report, failures = assemble(found)
   local written = write.all(found, report, failures, folder)
   if study.after then study.after(report, folder, context) end
   if not settings.json then print_summary(report, written, context.n_stored) end
   return outcome(context, report)
end
