-- The part `variants` of report.json: every subject with every recipe. Sizes are counted from the written files. Variants that
-- failed or that cannot be made on this machine stay in the list.
local models = require "assay.study.models"
local native = require "assay.native"
local json, sys = native.json, native.sys
local list, null, object = json.list, json.null, json.object

local DTYPE_BYTES <const> = { float32 = 4, bfloat16 = 2, float16 = 2, float64 = 8 }

local function finite(x) return x and x == x and math.abs(x) < math.huge and x or null end

local function linears_of(summary)
   local out = list {}
   for i, l in ipairs(summary.linears or {}) do
      out[i] = object {
         { "name", l.name }, { "role", l.role }, { "block", tonumber(l.name:match "layers%.(%d+)%.") or null },
         { "relative_error", finite(l.relative_error) }, { "output_error", finite(l.output_error) },
         { "bits_per_weight", l.bits }, { "bytes", l.bytes } }
   end
   return out
end

-- The bytes of the weight files. Other files of a checkpoint folder are left out: they contain times, so their length may change
-- from run to run. Nil for a variant that no file format can hold.
local function weight_bytes(saved)
   if saved.reason then return nil end
   local total = 0
   for _, file in ipairs(saved.files or {}) do
      if file.name:find "%.safetensors$" or file.name:find "%.gguf$" then total = total + file.bytes end
   end
   return total > 0 and total or saved.bytes
end

-- { bits_per_weight, linear_bits_per_weight, bytes_on_disk, linears } of a variant; an empty table if the variant was not made.
local function sizes_of(variant)
   if variant.none then
      local f = variant.subject.facts
      local bits = 8 * f.tensor_bytes / f.parameters
      return { bits_per_weight = bits, linear_bits_per_weight = bits, bytes_on_disk = f.tensor_bytes }
   end
   if variant.problem or not variant.made then return {} end
   local summary = variant.made.result.summary
   return { bits_per_weight = summary.bits_per_weight, linear_bits_per_weight = summary.bits_per_quantized_weight,
            bytes_on_disk = weight_bytes(variant.made.result.saved), linears = linears_of(summary) }
end

-- Adds how the model ran while the tasks measured it (forward), why so, and the bytes of its weights then. An untouched model that
-- ran from the floats of its file needs no reason. codes: what the stage `packed` found, or false.
local function add_forward(out, variant, codes)
   if variant.runtime_reason ~= models.FLOATS then out.forward_reason = variant.runtime_reason end
   if variant.runtime == "packed" and codes then
      local bytes = 0
      for _, kept in pairs(codes.formats) do bytes = bytes + kept.bytes end
      out.bytes_in_memory, out.forward = bytes, "packed"
      return
   end
   out.bytes_in_memory = variant.subject.facts.parameters * (DTYPE_BYTES[sys.settings().dtype] or 4)
   out.forward = variant.none and "fp" or "fake"
end

local function entry_of(variant, calibration_ids)
   local sizes, problem = sizes_of(variant), variant.problem
   local calibration = variant.calibration and calibration_ids[variant.calibration][variant.subject.id]
   local out = object {
      { "id", variant.id }, { "subject", variant.subject.id }, { "label", variant.recipe.label },
      { "method", variant.recipe.data.method }, { "calibration", calibration or null },
      { "status", problem and "failed" or "ok" } }
   if problem then out.reason = tostring(problem) end
   out.recipe = variant.none and null or native.quant.recipe(variant.recipe.data)
   out.bits_per_weight = sizes.bits_per_weight or null
   out.linear_bits_per_weight = sizes.linear_bits_per_weight or null
   out.bytes_on_disk = sizes.bytes_on_disk or null
   out.linears = sizes.linears or list {}
   local codes = variant.packed and not variant.packed.result.reason and variant.packed.result
   add_forward(out, variant, codes)
   if codes then
      out.packed = object { { "kernel", codes.kernel }, { "formats", codes.formats }, { "told", codes.told },
                            { "parity", codes.parity } }
   end
   local looked = not variant.none and not problem and variant.preflight
   if looked then out.block_errors = looked.result.block_errors end
   return out
end

-- The entry of a recipe that is not available here. missing: { label, reason }.
local function absent_entry(subject, missing)
   return object {
      { "id", subject.id .. "/" .. missing.label:lower():gsub("[^%w]+", "-") }, { "subject", subject.id },
      { "label", missing.label }, { "method", missing.label:match "^%w+" }, { "calibration", null },
      { "status", "not_available" }, { "reason", missing.reason }, { "recipe", object { { "method", missing.label } } },
      { "linears", list {} } }
end

-- calibration_ids: { [calibration] = { [subject id] = id such as "c1" } } from parts/calibrations.lua.
return function(run, calibration_ids)
   local out = list {}
   for i, variant in ipairs(run.variants) do out[i] = entry_of(variant, calibration_ids) end
   for _, missing in ipairs(run.study.missing) do
      for _, subject in ipairs(missing.kind == "recipe" and run.study.subjects or {}) do
         out[#out + 1] = absent_entry(subject, missing)
      end
   end
   return out
end
