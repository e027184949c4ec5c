-- The models of a running study: loads the model of a variant, and computes the hash that stands for this model in keys of stages.
-- At most two models are in memory at a time: one subject (untouched model) and one variant of it.
local native = require "assay.native"
local quantize = require "assay.study.stages.quantize"
local subjects = require "assay.study.subjects"

local models = {}
models.__index = models

-- Raises if the environment names a kernel that this processor lacks (ASSAY_KERNEL), before anything is computed.
function models.require_kernel()
   if not models.packed_obstacle() then native.model.packed_kernel() end
end

-- Why no variant of this run can be evaluated packed (from codes as they are stored); nil if it can.
function models.packed_obstacle()
   local settings = native.sys.settings()
   if settings.dtype == "float32" and settings.device == "cpu" then return nil end
   return ("packed weights compute in float32 on the CPU, and this run computes in %s on %s"):format(settings.dtype, settings.device)
end

-- The runtime that evaluates a variant, "packed" or "dequantized" (from floats), and the reason if it was asked for packed but is not.
function models.runtime(variant)
   if variant.runtime ~= "packed" then return "dequantized" end
   local why = models.packed_obstacle()
   if why then return "dequantized", why end
   return "packed"
end

function models.new() return setmetatable({}, models) end

-- Forgets all models and frees their memory. Lua needs two collections for objects with finalizers: one runs the finalizers, the next
-- frees the objects.
function models:release()
   self.subject, self.subject_id, self.subject_runtime, self.variant, self.variant_id = nil, nil, nil, nil, nil
   collectgarbage()
   collectgarbage()
end

-- The untouched model. runtime: "packed" or "dequantized" (the default, which quantizing needs). Only one of the two is kept.
function models:of_subject(subject, runtime)
   runtime = runtime or "dequantized"
   if self.subject_id ~= subject.id then self:release() end
   if self.subject_runtime ~= runtime then
      self.subject, self.subject_runtime = nil, nil
      collectgarbage()
      collectgarbage()
      self.subject = native.model.load(subject.file, { runtime = runtime })
      self.subject_id, self.subject_runtime = subject.id, runtime
   end
   return self.subject
end

-- The untouched model of a variant's subject, in the runtime that evaluates it.
function models:reference_of(variant)
   local none = { subject = variant.subject, none = true, runtime = variant.subject.runtime }
   return self:of_subject(variant.subject, (models.runtime(none)))
end

-- The model of a variant in the runtime that evaluates it, loaded from the checkpoint that the stage `quantize` saved. A variant that no
-- file format can hold is quantized again, which gives the same weights.
function models:of_variant(context, variant)
   if variant.none then return self:reference_of(variant) end
   if self.variant_id ~= variant.id then
      self.variant, self.variant_id = nil, nil
      collectgarbage()
      local key = quantize.key(context, variant)
      if context.store:find(key).result.saved.reason then
         local quantized = quantize.quantized(context, variant)
         self.variant = models.runtime(variant) == "packed" and quantized:packed() or quantized
      else
         self.variant = native.model.load(context.store:path(key) .. "/model", { runtime = (models.runtime(variant)) })
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
