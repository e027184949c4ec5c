-- Renders report.csv for spreadsheets and scripts: one row for each result, for each distance, and for each variant
-- that has neither. Numbers are not rounded. Generations and gates are left out, since they are texts and not numbers.

local escape = require "assay.report.escape"
local view = require "assay.report.view"

-- Each column with the function that reads it from a row: { study, result, variant, protocol, counts, interval, paired,
-- mde, times }.
local COLUMNS <const> = {
   { "study", function(r) return r.study end }, { "variant", function(r) return r.result.variant end },
   { "subject", function(r) return r.variant.subject end }, { "method", function(r) return r.variant.method end },
   { "label", function(r) return r.variant.label end }, { "status", function(r) return r.variant.status end },
   { "bits_per_weight", function(r) return r.variant.bits_per_weight end },
   { "linear_bits_per_weight", function(r) return r.variant.linear_bits_per_weight end },
   { "bytes_on_disk", function(r) return r.variant.bytes_on_disk end },
   { "bytes_in_memory", function(r) return r.variant.bytes_in_memory end },
   { "task", function(r) return r.result.task end }, { "protocol", function(r) return r.protocol end },
   { "metric", function(r) return r.result.metric end }, { "subset", function(r) return r.result.subset end },
   { "value", function(r) return r.result.value end }, { "unit", function(r) return r.result.unit end },
   { "direction", function(r) return r.result.direction end },
   { "items", function(r) return r.counts.items end }, { "correct", function(r) return r.counts.correct end },
   { "tokens", function(r) return r.counts.tokens end }, { "windows", function(r) return r.counts.windows end },
   { "low", function(r) return r.interval.low end }, { "high", function(r) return r.interval.high end },
   { "level", function(r) return r.interval.level end }, { "interval_method",
      function(r) return r.interval.method end },
   { "against", function(r) return r.paired.against end }, { "change_quantity",
      function(r) return r.paired.quantity end },
   { "change_unit", function(r) return r.paired.unit or r.paired.quantity end },
   { "change", function(r) return r.paired.estimate end }, { "change_low", function(r) return r.paired.low end },
   { "change_high", function(r) return r.paired.high end }, { "change_method",
      function(r) return r.paired.method end },
   { "lost", function(r) return r.paired.lost end }, { "gained", function(r) return r.paired.gained end },
   { "p", function(r) return r.paired.p end }, { "p_method", function(r) return r.paired.p_method end }, { "p_holm", function(r) return r.paired.p_holm end },
   { "mde", function(r) return r.mde.value end }, { "mde_unit", function(r) return r.mde.unit end },
   { "verdict", function(r) return r.result.verdict end }, { "reason", function(r) return r.result.reason
      or r.variant.reason end },
   { "quantize_seconds", function(r) return r.times.quantize_seconds end },
   { "evaluate_seconds", function(r) return r.times.evaluate_seconds end },
   { "peak_memory_bytes", function(r) return r.times.peak_memory_bytes end },
}

-- The keys of an entry of the report's `distance` that hold a number with its interval. Each becomes a row of its own.
local DISTANCES <const> = { "kld", "same_top", "top5_shared", "delta_p", "log_ppl_ratio" }

local function line(cells) return table.concat(cells, ",") .. "\r\n" end

return function(data)
   local v = view.open(data)
   local header = {}
   for i, column in ipairs(COLUMNS) do header[i] = column[1] end
   local out, seen = { line(header) }, {}
   local function add(result)
      local variant = v.variant[result.variant] or {}
      local task = v.task[result.task] or {}
      local row = { study = v.report.study.name, result = result, variant = variant, protocol = task.protocol
         and task.protocol.id, counts = result.counts or {},
         interval = result.interval or {}, paired = result.paired or {}, mde = result.mde or {},
            times = (v.report.times.variants or {})[result.variant] or {} }
      local cells = {}
      for i, column in ipairs(COLUMNS) do cells[i] = escape.csv(column[2](row)) end
      out[#out + 1] = line(cells)
      seen[result.variant] = true
   end
   for _, result in ipairs(v.report.results) do add(result) end
   for _, row in ipairs(v.report.distance or {}) do
      for _, name in ipairs(DISTANCES) do
         local number = row[name]
         if number then
            add { variant = row.variant, task = row.task, metric = name, value = number.value, unit = number.unit,
               counts = row.counts, interval = number.interval }
         end
      end
   end
   for _, variant in ipairs(v.report.variants) do if not seen[variant.id] then add { variant = variant.id } end end
   return table.concat(out)
end
