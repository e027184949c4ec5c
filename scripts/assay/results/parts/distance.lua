-- The part `distance` of report.json: for each task of kind "distance" and each variant, how far the variant's next-token distributions
-- lie from the untouched model's, with intervals over windows. A distance gets no verdict; its margin is printed beside it.
local comparisons = require "assay.results.comparisons"
local native = require "assay.native"
local stored = require "assay.results.stored"
local json, stats = native.json, native.stats
local null = json.null

local NAMES <const> = { "kld", "same_top", "top5_shared", "delta_p", "log_ppl_ratio" }

local function interval_of(scores, options)
   if #scores < 2 then return null end
   local i = stats.bootstrap(scores, options)
   return json.object { { "low", i.low }, { "high", i.high }, { "level", i.level }, { "method", i.method .. " over windows" } }
end

-- Where the interval of the divergence lies: "within" the margin, "beyond" it, or "unresolved" if it contains the
-- margin or there is no interval.
local function place_of(interval, margin)
   if interval == null then return "unresolved" end
   if interval.high <= margin then return "within" end
   return interval.low > margin and "beyond" or "unresolved"
end

local function row_of(task, item, options)
   local result = item.stage.result
   local row = json.object { { "variant", item.variant.id }, { "task", task.id }, { "counts", result.counts } }
   for _, name in ipairs(NAMES) do
      local number = result.distance[name]
      row[name] = json.object { { "value", number.value }, { "unit", number.unit },
                                { "interval", interval_of(number.scores, options) } }
   end
   row.kld_mean = row.kld.value
   row.margin = task.options.margin or task.definition.default_margin
   row.margin_unit = "nats"
   row.against_margin = place_of(row.kld.interval, row.margin)
   row.percentiles, row.delta_p_percentiles = result.note.kld, result.note.delta_p
   row.delta_p_rms = result.note.delta_p_rms
   row.buckets, row.positions, row.curve = result.note.buckets, result.note.positions, result.note.kld_curve
   row.series = json.object { { "unit", "nats" }, { "per", "window" }, { "values", result.distance.kld.scores } }
   return row
end

return function(run)
   local out, options = json.list {}, comparisons.options(run.study)
   for _, task in ipairs(run.study.tasks) do
      for _, subject in ipairs(task.definition.kind == "distance" and run.study.subjects or {}) do
         for _, item in ipairs(stored.rows(run, task, subject)) do
            if item.stage.result.distance then out[#out + 1] = row_of(task, item, options) end
         end
      end
   end
   return out
end
