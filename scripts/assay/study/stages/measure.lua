-- The stage "measure": runs one task on one variant, whose model is loaded from its saved checkpoint.
local estimate = require "assay.study.estimate"
local keys = require "assay.study.keys"
local models = require "assay.study.models"
local subjects = require "assay.study.subjects"
local sys = require("assay.native").sys

local measure = { order = 50, per = "task" }

function measure.key(context, variant, task)
   return { stage = "measure", model = models.hash(context, variant), task = task.definition.name,
            protocol = task:protocol(), numerics = keys.numerics((models.runtime(context, variant))) }
end

-- The subject stays in memory beside the variant, since tasks may compare the two.
function measure.estimate(machine, variant, task)
   local facts = subjects.facts(variant.subject)
   return { seconds = estimate.forward(machine, facts, estimate.tokens(task)) + 1,
            memory = estimate.memory(machine, variant.subject, variant.none and 1 or 2) }
end

-- What a task gets beside the model: { none = whether this is the untouched model, folder = that of the stage, reference }.
-- reference() returns the untouched model and the folder of its stage for the same task, for tasks that compare the two.
local function place_of(context, variant, task, folder)
   local function reference()
      local none = { subject = variant.subject, none = true, runtime = variant.subject.runtime }
      return context.models:reference_of(variant), context.store:path(measure.key(context, none, task))
   end
   return { none = variant.none, folder = folder, reference = reference }
end

-- result: what the task's function `run` returns (tasks/README.md).
function measure.run(context, variant, task)
   return context.store:stage(measure.key(context, variant, task), function(folder)
      local m = context.models:of_variant(context, variant)
      return task.definition.run(task.options, m, sys.update, place_of(context, variant, task, folder))
   end)
end

function measure.label(variant, task) return variant.id .. ": " .. task.id end

return measure
