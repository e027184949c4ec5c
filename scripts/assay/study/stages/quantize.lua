-- The stage "quantize": applies a variant's recipe to its subject and saves the checkpoint in the folder of the stage.
-- Later stages load this checkpoint and measure it, so that their numbers hold for the written files.
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

-- For the estimate:
local PLAIN_RATE <const> = 90e6     -- weights per second of a method without calibration
local CALIBRATED_COST <const> = 2   -- a calibrated method takes about as long as two forward passes over its calibration
local TUNE_OVERHEAD <const> = 1.7   -- factor for attention and all other work that is not a matrix product, forwards and backwards

-- The number of tokens and of sequences of a calibration, without making it.
local function tokens_of(calibration)
   local o = calibration.options
   if not o.ids then return calibration:wanted() * o.length, calibration:wanted() end
   local tokens = 0
   for _, ids in ipairs(o.ids) do tokens = tokens + #ids end
   return tokens, #o.ids
end

-- Seconds of the passes over the calibration and, if the recipe has a tune (scales trained at the end), of its steps. Each step runs
-- the float model forwards, the quantized one forwards twice, and backwards.
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

-- Quantizes a variant and returns the model in memory.
function quantize.quantized(context, variant)
   return context.models:of_subject(variant.subject):quantize(variant.recipe, variant.calibration)
end

-- The formats in which a study tries to write a checkpoint. The first can be read by most programs. The second packs odd widths (such as
-- 3 bits) without gaps; the library compressed-tensors reads this form from version 0.17 on.
local ways = { { format = "auto" }, { format = "compressed-tensors", config = { dense_packing = true } } }

-- What the study will write for a variant: { exporter, items, scheme } of native.quant.planned_export; nil and the first reason if no
-- format can hold it.
function quantize.planned(variant)
   local reason
   for _, way in ipairs(ways) do
      local refused = native.quant.cannot_hold(variant.recipe.data, variant.subject.file, way.format, way.config)
      if #refused == 0 then
         return native.quant.planned_export(variant.recipe.data, variant.subject.file, way.format, way.config)
      end
      reason = reason or refused[1]
   end
   return nil, reason
end

-- Writes the checkpoint and returns what q:save returns. If no format can hold the recipe, returns { reason = the first one, reasons =
-- their number }; later stages then measure the variant from memory.
local function save(q, variant, folder)
   local reasons
   for _, way in ipairs(ways) do
      local refused = native.quant.cannot_hold(variant.recipe.data, variant.subject.file, way.format, way.config)
      if #refused == 0 then return q:save(folder, { format = way.format, config = way.config, replace = true }) end
      reasons = reasons or refused
   end
   return json.object { { "reason", reasons[1] }, { "reasons", #reasons } }
end

-- result = { summary = sizes and errors, ledger = fallbacks, skips and repairs, saved = files or reason, tune = record of the training,
-- codes = { count, without_kernel } of native's quantized_codes }
function quantize.run(context, variant)
   return context.store:stage(quantize.key(context, variant), function(folder)
      local q = quantize.quantized(context, variant)
      local saved = save(q, variant, folder .. "/model")
      return json.object { { "summary", q.summary }, { "ledger", q.ledger }, { "saved", saved },
                           { "tune", q.metadata.tune or json.null }, { "codes", q:quantized_codes() } }
   end)
end

function quantize.label(variant) return variant.id .. ": quantize" end

return quantize
