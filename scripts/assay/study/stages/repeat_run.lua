-- The stage "noise" (A/A run): measures a few items of each task again on the untouched model, with another number of threads.
-- What differs between two runs of one model is noise. A difference between two models that is no larger than this noise shows nothing.
local estimate = require "assay.study.estimate"
local measure = require "assay.study.stages.measure"
local native = require "assay.native"
local store = require "assay.study.store"
local subjects = require "assay.study.subjects"
local two_runs = require "assay.study.two_runs"
local json, sys, tensor = native.json, native.sys, native.tensor

local repeat_run = { order = 60, per = "task" }

function repeat_run.exists(study, variant) return variant.none and study.noise > 0 end

function repeat_run.key(context, variant, task)
   return { stage = "noise", of = store.hash(measure.key(context, variant, task)), items = context.study.noise }
end

local MOST_TOKENS <const> = 8192 -- the estimate assumes at most this many tokens for the few items

-- A token takes twice as long as in the first run, since this run usually has fewer threads.
function repeat_run.estimate(machine, variant, task)
   local tokens = 2 * math.min(estimate.tokens(task), MOST_TOKENS)
   return { seconds = estimate.forward(machine, subjects.facts(variant.subject), tokens) + 1,
            memory = estimate.memory(machine, variant.subject, 1) }
end

-- The options of the task with its size reduced to n. A task has its size in `items` or `limit`. A task of windows takes the first n
-- of the windows that it had drawn, because the stored hidden states of the first run are in that order.
local function smaller(task, n)
   local options = setmetatable({}, { __index = task.options })
   if task.options.windows then
      options.of_drawn = n
      return options
   end
   for _, name in ipairs { "items", "limit" } do
      local given = task.options[name]
      if given then options[name] = given == 0 and n or math.min(given, n) end
   end
   return options
end

-- Runs body() with one thread (with two if the program has only one). Returns its result and a text such as "1 thread against 2".
local function with_other_threads(body)
   local own = tensor.threads()
   local other = own == 1 and 2 or 1
   tensor.set_threads(other)
   local ok, result = pcall(body)
   tensor.set_threads(own)
   if not ok then error(result, 0) end
   return result, ("%d thread%s against %d"):format(other, other == 1 and "" or "s", own)
end

-- result = { rows = differences, how = threads, stable = which answers were equal }. The first run's result is in the store, since the
-- stage "measure" of this task comes before.
function repeat_run.run(context, variant, task)
   return context.store:stage(repeat_run.key(context, variant, task), function(folder)
      local m = context.models:of_variant(context, variant)
      local key = measure.key(context, variant, task)
      local first = context.store:find(key).result
      local place = { none = false, folder = folder, reference = function() return m, context.store:path(key) end }
      local again, how = with_other_threads(function()
         return task.definition.run(smaller(task, context.study.noise), m, sys.update, place)
      end)
      again = json.decode(json.encode(again))
      local stable = again.outputs and first.outputs and two_runs.stable(again.outputs, first.outputs) or json.null
      return json.object { { "rows", two_runs.differences(task, again, first) }, { "how", how }, { "stable", stable } }
   end)
end

function repeat_run.label(variant, task) return ("%s: %s again"):format(variant.id, task.id) end

return repeat_run
