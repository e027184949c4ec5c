-- The stage "calibration": makes the token ids of one calibration for one subject, counts them, and finds what they share with each
-- task. The ids are stored in tokens.json. A calibration that contains whole records of a task stops the
-- study, unless it says why (allow_overlap).
local native = require "assay.native"
local overlap = require "assay.data.overlap"
local subjects = require "assay.study.subjects"
local estimate = require "assay.study.estimate"
local json = native.json

local calibrate = { order = 20, per = "calibration" }

function calibrate.key(context, variant, calibration)
   local datasets = json.list {}
   for _, task in ipairs(context.study.tasks) do
      local dataset = task.options.dataset
      datasets[#datasets + 1] = { task = task.id, dataset = dataset and dataset:identity() or json.null }
   end
   return { stage = "calibration", subject = subjects.fingerprint(variant.subject), calibration = calibration:identity(),
            tasks = datasets, run_words = overlap.run_words, assay = native.sys.settings().version }
end

-- Two seconds for tokenizing and comparing texts, whatever the sizes.
function calibrate.estimate(machine, variant)
   return { seconds = 2, memory = estimate.memory(machine, variant.subject, 1) }
end

-- result = { facts = counts and hash, overlap = what is shared with each task }. Raises an error if records are shared and the
-- calibration does not say why (allow_overlap).
function calibrate.run(context, variant, calibration)
   local key = calibrate.key(context, variant, calibration)
   local stage, was_there = context.store:stage(key, function(folder)
      local model = context.models:of_subject(variant.subject)
      local facts, made = calibration:describe(model), calibration:tokens_for(model)
      native.fs.write(folder .. "/tokens.json", json.encode(json.object {
         { "hash", facts.hash }, { "ids", made.ids }, { "counted", made.counted or json.null } }) .. "\n")
      return json.object { { "facts", facts }, { "overlap", overlap.check(calibration, model, context.study.tasks) } }
   end)
   overlap.refuse(calibration, stage.result.overlap)
   return stage, was_there
end

function calibrate.label(variant, calibration)
   local name = calibration.options.name
   return ("%s: calibration%s"):format(variant.id, name and " " .. name or "")
end

return calibrate
