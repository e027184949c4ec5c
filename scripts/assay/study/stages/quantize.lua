-- The stage "quantize": applies a variant's recipe to its subject and saves the checkpoint in the folder of the stage.
-- What later stages measure is the saved checkpoint, loaded again, so that each number belongs to the files.
local estimate = require "assay.study.estimate"
local keys = require "assay.study.keys"
local native = require "assay.native"
local subjects = require "assay.study.subjects"
local json = native.json

local quantize = { order = 30, per = "variant" }

function quantize.exists(_, variant) return not variant.none end

function quantize.key(context, variant)
   return { stage = "quantize", subject = subjects.fingerprint(variant.subject),
            recipe = native.quant.recipe(variant.recipe.data), components = keys.components(variant.recipe),
            calibration = variant.calibration and variant.calibration:identity() or json.null,
            seed = context.study.seed, numerics = keys.numerics() }
end

local PLAIN_RATE <const> = 90e6     -- weights per second of a method without calibration
local CALIBRATED_COST <const> = 2   -- forward passes over the calibration that a calibrated method is worth
local TUNE_OVERHEAD <const> = 1.7   -- factor for attention and all else that is no matrix product, forwards and backwards

local function tokens_of(calibration)
   local o = calibration.options
   if not o.ids then return calibration:wanted() * o.length, calibration:wanted() end
   local tokens = 0
   for _, ids in ipairs(o.ids) do tokens = tokens + #ids end
   return tokens, #o.ids
end

-- Seconds of the passes over the calibration, and of a tune: the float forward, the quantized one twice, and backwards.
local function calibrated_seconds(machine, variant, facts)
   if not variant.calibration then return 0 end
   local tokens, sequences = tokens_of(variant.calibration)
   local seconds = estimate.operations(machine, CALIBRATED_COST * tokens * 2 * facts.linear_parameters)
   local tune = variant.recipe.data.tune
   if not tune then return seconds end
   local steps = (tune.steps or 0) > 0 and tune.steps or math.ceil(sequences / (tune.batch or 2))
   local tuned_tokens = steps * (tune.batch or 2) * tokens / sequences
   local per_token = 10 * facts.linear_parameters + 6 * facts.vocabulary * facts.hidden
   return seconds + TUNE_OVERHEAD * estimate.operations(machine, tuned_tokens * per_token)
end

function quantize.estimate(machine, variant)
   local facts, bytes = subjects.facts(variant.subject), estimate.sizes(variant).bytes
   return { seconds = facts.linear_parameters / PLAIN_RATE + bytes / estimate.WRITE_RATE +
                      calibrated_seconds(machine, variant, facts),
            memory = estimate.memory(machine, variant.subject, 2), disk = bytes }
end

-- The quantized model in memory.
function quantize.quantized(context, variant)
   return context.models:of_subject(variant.subject):quantize(variant.recipe, variant.calibration)
end

-- How a study writes its checkpoints, best first: in the form that every consumer reads, else packed without gaps as
-- compressed-tensors 0.17 and later read odd widths.
local ways = { { format = "auto" }, { format = "compressed-tensors", config = { dense_packing = true } } }

-- Writes the checkpoint; { reason, reasons } if no exporter can hold it, then the variant is measured from memory.
local function save(q, variant, folder)
   local reasons
   for _, way in ipairs(ways) do
      local refused = native.quant.cannot_hold(variant.recipe.data, variant.subject.file, way.format, way.config)
      if #refused == 0 then return q:save(folder, { format = way.format, config = way.config, replace = true }) end
      reasons = reasons or refused
   end
   return json.object { { "reason", reasons[1] }, { "reasons", #reasons } }
end

-- result = { summary, ledger, saved, tune }
function quantize.run(context, variant)
   return context.store:stage(quantize.key(context, variant), function(folder)
      local q = quantize.quantized(context, variant)
      local saved = save(q, variant, folder .. "/model")
      return json.object { { "summary", q.summary }, { "ledger", q.ledger }, { "saved", saved },
                           { "tune", q.metadata.tune or json.null } }
   end)
end

function quantize.label(variant) return variant.id .. ": quantize" end

return quantize
