-- Makes the part `times` of report.json: dates, seconds, speeds and peak memory. Only this part of a report may differ between
-- two runs of the same study.
local native = require "assay.native"
local json, sys = native.json, native.sys
local null, object = json.null, json.object

local function finite(x) return x and x == x and math.abs(x) < math.huge and x or null end

-- Returns two tables: the seconds and peak memory of one variant, and the seconds and speed of each of its tasks.
local function of_variant(run, variant)
   local made = variant.made
   local evaluate, peak, results = 0, made and made.times.peak_memory_bytes or 0, object()
   for _, task in ipairs(run.study.tasks) do
      local stage = variant.measured[task.id]
      if stage then
         local seconds, counts = stage.times.seconds, stage.result.counts
         evaluate, peak = evaluate + seconds, math.max(peak, stage.times.peak_memory_bytes)
         results[task.id] = object {
            { "seconds", seconds },
            { "tokens_per_second", counts and counts.tokens and finite(counts.tokens / seconds) or null } }
      end
   end
   return object { { "quantize_seconds", made and made.times.seconds or 0 }, { "evaluate_seconds", evaluate },
                   { "peak_memory_bytes", peak } }, results
end

-- What the stage `packed` measured of a variant, once packed and once with dequantized weights; nil if it measured nothing.
local function speeds_of(variant)
   local result = variant.packed and variant.packed.result
   if not result or result.reason then return nil end
   return object { { "packed", result.packed }, { "dequantized", result.dequantized } }
end

return function(run)
   local per_variant, per_result, packed = object(), object(), object()
   for _, variant in ipairs(run.variants) do
      per_variant[variant.id], per_result[variant.id] = of_variant(run, variant)
      packed[variant.id] = speeds_of(variant)
   end
   return object { { "started", run.started }, { "finished", sys.utc() }, { "seconds", sys.clock() - run.clock },
                   { "resumed", run.resumed }, { "variants", per_variant }, { "results", per_result }, { "packed", packed } }
end
