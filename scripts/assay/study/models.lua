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

-- The codes of an untouched model, from the headers of its file: { count, without_kernel } of native.model.stored_codes.
local function subject_codes(subject)
   subjects.facts(subject)
   subject.codes = subject.codes or native.model.stored_codes(subject.file)
   return subject.codes
end

-- The runtime of a variant for which none was asked, from its codes: packed if it has codes and a kernel runs each of them.
local function runtime_for(codes)
   local lacking = codes.without_kernel
   if codes.count == 0 then return "dequantized", models.FLOATS end
   if #lacking > 0 then return "dequantized", lacking[1] .. (#lacking > 1 and ("; and %d more"):format(#lacking - 1) or "") end
   local why = models.packed_obstacle()
   if why then return "dequantized", why end
   return "packed", "a kernel runs all its codes"
end

-- variant.runtime is what was asked for, or nil; codes() returns what runtime_for takes, and is called only if it decides.
local function decide(variant, codes)
   if variant.runtime == "dequantized" then return "dequantized", models.ASKED end
   if not variant.runtime then return runtime_for(codes()) end
   local why = models.packed_obstacle()
   if why then return "dequantized", why end
   return "packed", models.ASKED
end

-- Reasons of a runtime that the report words in its own way.
models.FLOATS, models.ASKED = "its weights are floats", "asked for"

-- The runtime that evaluates a variant, "packed" or "dequantized" (from floats), and the reason. Of a variant that is not made yet the
-- codes are not known: nil.
function models.runtime(context, variant)
   if variant.none then return decide(variant, function() return subject_codes(variant.subject) end) end
   local made = context.store:find(quantize.key(context, variant))
   if not made then return nil end
   return decide(variant, function() return made.result.codes end)
end

-- What models.runtime will probably say, before anything is made.
function models.planned_runtime(variant)
   return decide(variant, function()
      if variant.none then return subject_codes(variant.subject) end
      return native.quant.planned_codes(variant.recipe.data, variant.subject.file)
   end)
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
   return self:of_subject(variant.subject, (models.runtime(nil, none)))
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
         self.variant = models.runtime(context, variant) == "packed" and quantized:packed() or quantized
      else
         self.variant = native.model.load(context.store:path(key) .. "/model", { runtime = (models.runtime(context, variant)) })
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
