-- The models of a running study: loads the model of a variant, and computes the hash that stands for this model in keys of stages.
-- At most two models are in memory at a time: one subject (untouched model) and one variant of it.
local native = require "assay.native"
local quantize = require "assay.study.stages.quantize"
local subjects = require "assay.study.subjects"

local models = {}
models.__index = models

function models.new() return setmetatable({}, models) end

-- Forgets all models and frees their memory. Lua needs two collections for objects with finalizers: one runs the finalizers, the next
-- frees the objects.
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

-- The model of a variant, loaded from the checkpoint that the stage `quantize` saved. A variant that no file format can hold is
-- quantized again, which gives the same weights.
function models:of_variant(context, variant)
   if variant.none then return self:of_subject(variant.subject) end
   if self.variant_id ~= variant.id then
      self.variant, self.variant_id = nil, nil
      collectgarbage()
      local key = quantize.key(context, variant)
      if context.store:find(key).result.saved.reason then
         self.variant = quantize.quantized(context, variant)
      else
         self.variant = native.model.load(context.store:path(key) .. "/model")
      end
      self.variant_id = variant.id
   end
   return self.variant
end

-- The hash that names a variant's model in the keys of later stages, in samples and in failures.
function models.hash(context, variant)
   local key = variant.none and { subject = subjects.fingerprint(variant.subject) } or quantize.key(context, variant)
   return context.store.hash(key)
end

return models
