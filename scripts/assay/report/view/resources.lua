-- The tables of time and memory as rows of texts.
local format = require "assay.report.format"

local resources = {}

-- How the tasks ran a variant, in words: "packed: REASON", "packed, but 2 weights as floats: FIRST REASON", "dequantized: REASON",
-- "dequantized", or "floats" of an untouched model.
local function runtime_text(variant)
   local why = variant.forward_reason and ": " .. variant.forward_reason or ""
   if variant.forward ~= "packed" then return (variant.forward == "fp" and why == "" and "floats" or "dequantized") .. why end
   local told = variant.packed and variant.packed.told or {}
   return #told == 0 and "packed" .. why or ("packed, but %d weight%s as floats: %s"):format(#told, #told > 1 and "s" or "", told[1])
end

-- Returns a list { { name of a variant, its runtime in words }, ... }. The list is empty for a report that gives no reasons.
function resources:runtime_rows()
   local rows, told = {}, false
   for _, variant in ipairs(self.report.variants) do
      told = told or variant.forward_reason
      if variant.forward and variant.status ~= "failed" then rows[#rows + 1] = { self:label(variant.id), runtime_text(variant) } end
   end
   return told and rows or {}
end

-- Returns the headers and one row for each variant that has times. If a study runs twice, the two reports differ only in times, speeds,
-- peak memory and date.
function resources:resource_rows()
   local rows, times = {}, self.report.times.variants or {}
   for _, variant in ipairs(self.report.variants) do
      local own = times[variant.id]
      if own then
         local speed
         for _, task in pairs((self.report.times.results or {})[variant.id] or {}) do
            speed = speed or task.tokens_per_second
         end
         rows[#rows + 1] = { self:label(variant.id), own.quantize_seconds and own.quantize_seconds > 0
            and format.seconds(own.quantize_seconds) or "–",
            own.evaluate_seconds and format.seconds(own.evaluate_seconds) or "–", own.peak_memory_bytes
               and format.bytes(own.peak_memory_bytes) or "–",
            variant.bytes_in_memory and format.bytes(variant.bytes_in_memory) or "–",
            speed and format.significant(speed, 3) .. " tok/s" or "–" }
      end
   end
   return { "variant", "quantize", "evaluate", "peak memory", "weights in memory", "prefill" }, rows
end

local function memory(value) return value and format.bytes(value) or "–" end
local function rate(value) return value and format.significant(value, 3) .. " tok/s" or "–" end

-- Memory and speed of each variant in both forms: packed (a kernel reads the stored codes) and dequantized (float32
-- weights). The stage `packed` measured every number; a variant for which this stage did not run has no row.
function resources:packed_rows()
   local rows = {}
   for _, variant in ipairs(self.report.variants) do
      local speeds = (self.report.times.packed or {})[variant.id]
      if speeds then
         local codes, floats, names = speeds.packed, speeds.dequantized, {}
         for name in pairs(variant.packed and variant.packed.formats or {}) do names[#names + 1] = name end
         table.sort(names)
         rows[#rows + 1] = { self:label(variant.id), table.concat(names, ", "), memory(codes.resident_bytes),
            memory(floats.resident_bytes), rate(codes.decode_tokens_per_second), rate(floats.decode_tokens_per_second),
            format.seconds(codes.first_token_seconds), format.seconds(floats.first_token_seconds) }
      end
   end
   return { "variant", "stored as", "memory, packed", "dequantized", "decode, packed", "dequantized", "first token, packed",
            "dequantized" }, rows
end

return resources
