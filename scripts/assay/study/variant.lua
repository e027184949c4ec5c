-- The stages of one variant: quantize and save, then measure what lies on disk.
-- What is measured is always the saved checkpoint, loaded again: the number belongs to the files.
local native = require "assay.native"
local json, sys = native.json, native.sys

local variants = {}

-- ---- models in memory: the subject and one variant at most ------------------------------------

local models = {}
models.__index = models

function variants.models() return setmetatable({}, models) end

function models:release()
   self.subject, self.subject_id, self.variant, self.variant_id = nil, nil, nil, nil
   collectgarbage()
   collectgarbage()
end

function models:of_subject(subject)
   if self.subject_id ~= subject.id then
      self:release()
      self.subject, self.subject_id = native.model.load(subject.file), subject.id
   end
   return self.subject
end

function models:of_folder(id, folder)
   if self.variant_id ~= id then
      self.variant, self.variant_id = nil, nil
      collectgarbage()
      self.variant, self.variant_id = native.model.load(folder), id
   end
   return self.variant
end

-- A variant that no file format holds: made again, which gives the same bytes.
function models:of_memory(id, make)
   if self.variant_id ~= id then
      self.variant, self.variant_id = nil, nil
      collectgarbage()
      self.variant, self.variant_id = make(), id
   end
   return self.variant
end

-- ---- keys: everything that fixes a result ------------------------------------------------------

local function component_versions(recipe)
   local versions = json.object()
   local q = recipe.data.quantizer
   local parts = q and { { "quantizer", q.id } } or {}
   for _, transform in ipairs(recipe.data.transforms or {}) do
      parts[#parts + 1] = { "transform", transform.id }
   end
   for _, part in ipairs(parts) do
      local facts = native.plugin.describe(part[1], part[2])
      versions[part[2]] = facts and facts.sha256 or "unknown"
   end
   return versions
end

function variants.fingerprint(_, subject)
   if not subject.fingerprint then
      sys.update(0, 1, "hashing the model")
      subject.fingerprint = native.model.fingerprint(subject.file)
   end
   return subject.fingerprint
end

local function numerics()
   local settings = sys.settings()
   return { dtype = settings.dtype, device = settings.device, assay = settings.version }
end

function variants.quantize_key(context, variant)
   local recipe = native.quant.recipe(variant.recipe.data)
   local calibration = variant.calibration
   return { stage = "quantize", subject = variants.fingerprint(context, variant.subject),
            recipe = recipe, components = component_versions(variant.recipe),
            calibration = calibration and calibration:identity() or json.null,
            seed = context.study.seed, numerics = numerics() }
end

function variants.model_key(context, variant)
   if variant.none then return { subject = variants.fingerprint(context, variant.subject) } end
   return variants.quantize_key(context, variant)
end

-- What names a variant's model in keys of later stages, and its run in samples and failures.
function variants.model_hash(context, variant)
   return context.store.hash(variants.model_key(context, variant))
end

function variants.measure_key(context, variant, task)
   return { stage = "measure", model = variants.model_hash(context, variant),
            task = task.definition.name, protocol = task:protocol(), numerics = numerics() }
end

-- ---- stages ------------------------------------------------------------------------------------

local function make(context, variant)
   local m = context.models:of_subject(variant.subject)
   return m:quantize(variant.recipe, variant.calibration)
end

-- How a study writes its checkpoints, best first: as every consumer reads them; else packed as compressed-tensors
-- 0.17 and later read odd widths.
local ways = { { format = "auto" }, { format = "compressed-tensors", config = { dense_packing = true } } }

-- Writes the checkpoint, or says why no exporter can hold it; then it is measured from memory.
local function save(q, variant, folder)
   local reasons
   for _, way in ipairs(ways) do
      local refused = native.quant.cannot_hold(variant.recipe.data, variant.subject.file, way.format, way.config)
      if #refused == 0 then
         return q:save(folder, { format = way.format, config = way.config, replace = true })
      end
      reasons = reasons or refused
   end
   return json.object { { "reason", reasons[1] }, { "reasons", #reasons } }
end

function variants.quantize(context, variant)
   local key = variants.quantize_key(context, variant)
   return context.store:stage(key, function(folder)
      local q = make(context, variant)
      local saved = save(q, variant, folder .. "/model")
      return json.object { { "summary", q.summary }, { "ledger", q.ledger }, { "saved", saved },
                           { "tune", q.metadata.tune or json.null } }
   end)
end

function variants.model_of(context, variant)
   if variant.none then return context.models:of_subject(variant.subject) end
   local key = variants.quantize_key(context, variant)
   local stage = context.store:find(key)
   if stage.result.saved.reason then
      return context.models:of_memory(variant.id, function() return make(context, variant) end)
   end
   return context.models:of_folder(variant.id, context.store:path(key) .. "/model")
end

-- What a task may know of its place: its folder, and the untouched subject with the folder of its own stage.
local function place_of(context, variant, task, folder)
   local function reference()
      local none = { subject = variant.subject, none = true }
      return context.models:of_subject(variant.subject),
             context.store:path(variants.measure_key(context, none, task))
   end
   return { none = variant.none, folder = folder, reference = reference }
end

function variants.measure(context, variant, task)
   local key = variants.measure_key(context, variant, task)
   return context.store:stage(key, function(folder)
      local m = variants.model_of(context, variant)
      return task.definition.run(task.options, m, sys.update, place_of(context, variant, task, folder))
   end)
end

return variants
