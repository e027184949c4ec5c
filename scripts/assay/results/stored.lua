-- Reads the stored results of all finished stages (steps of a study) into one table, `run`. Every other file of this folder reads only
-- that table; this file alone knows the store, the keys of the stages and the context of a running study.
--
-- run = { study, path, started, clock, resumed, calibrations,
--         variants = { { id, subject, recipe, none, calibration, runtime, runtime_reason, problem, model_hash, made, preflight, packed,
--                        identity, measured = { [task id] = stage }, repeated = { [task id] = stage } }, ... } }
-- runtime: "packed" or "dequantized", which evaluated the variant, and runtime_reason: why this one. Nil if the variant was not made.
-- A stage is { key, result, times }, or nil if it was not run. `problem` is the error of a variant that failed; `none` is true for the
-- untouched model; `repeated` is the second measurement of an untouched model.
local calibrate = require "assay.study.stages.calibrate"
local identity = require "assay.study.stages.identity"
local measure = require "assay.study.stages.measure"
local models = require "assay.study.models"
local packed = require "assay.study.stages.packed"
local preflight = require "assay.study.stages.preflight"
local quantize = require "assay.study.stages.quantize"
local repeat_run = require "assay.study.stages.repeat_run"

local stored = {}

local function variant_of(context, variant)
   local store, study = context.store, context.study
   local runtime, why = models.runtime(context, variant)
   local out = { id = variant.id, subject = variant.subject, recipe = variant.recipe, none = variant.none,
                 calibration = variant.calibration, runtime = runtime, runtime_reason = why, problem = context.failed[variant.id],
                 model_hash = models.hash(context, variant),
                 made = not variant.none and store:find(quantize.key(context, variant)) or nil,
                 identity = variant.none and store:find(identity.key(context, variant)) or nil,
                 preflight = store:find(preflight.key(context, variant)),
                 packed = packed.exists() and store:find(packed.key(context, variant)) or nil, measured = {}, repeated = {} }
   for _, task in ipairs(study.tasks) do
      out.measured[task.id] = store:find(measure.key(context, variant, task))
      if variant.none and study.noise > 0 then
         out.repeated[task.id] = store:find(repeat_run.key(context, variant, task))
      end
   end
   return out
end

-- { calibration, of_subject = { [subject id] = result of the stage "calibration" } }.
local function calibration_of(context, calibration)
   local of_subject = {}
   for _, subject in ipairs(context.study.subjects) do
      local stage = context.store:find(calibrate.key(context, { subject = subject }, calibration))
      of_subject[subject.id] = stage and stage.result
   end
   return { calibration = calibration, of_subject = of_subject }
end

-- Returns `run`. context: the context of a study whose stages have run (study/context.lua).
function stored.collect(context)
   local run = { study = context.study, path = context.path, started = context.started, clock = context.clock,
                 resumed = context.resumed, variants = {}, calibrations = {} }
   for i, variant in ipairs(context.study:variants()) do run.variants[i] = variant_of(context, variant) end
   for i, calibration in ipairs(context.study:calibrations()) do
      run.calibrations[i] = calibration_of(context, calibration)
   end
   return run
end

-- The measurements of one task on one subject: { { variant, stage }, ... }, the untouched model first. Variants that failed
-- or were not measured are left out.
function stored.rows(run, task, subject)
   local out = {}
   for _, variant in ipairs(run.variants) do
      local stage = variant.measured[task.id]
      if variant.subject == subject and not variant.problem and stage then
         out[#out + 1] = { variant = variant, stage = stage }
      end
   end
   return out
end

-- Calls body(task, reference, others) for every task and subject. reference is the untouched model's row, others are the rows of the
-- quantized variants. Subjects whose untouched model was not measured are skipped.
function stored.each_task(run, body)
   for _, task in ipairs(run.study.tasks) do
      for _, subject in ipairs(run.study.subjects) do
         local rows = stored.rows(run, task, subject)
         if rows[1] and rows[1].variant.none then body(task, rows[1], table.move(rows, 2, #rows, 1, {})) end
      end
   end
end

return stored
