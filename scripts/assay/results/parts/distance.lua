-- The rows of `distance` in report.json: one per variant and task of kind "distance", with intervals over windows.
-- Not the measurement (tasks/distance.lua) and no verdict: a distance is evidence, its margin is printed beside it.
local native = require "assay.native"
local json, stats = native.json, native.stats
local null = json.null

local names = { "kld", "same_top", "top5_shared", "delta_p", "log_ppl_ratio" }

local function interval_of(scores, options)
   if #scores < 2 then return null end
   local i = stats.bootstrap(scores, options)
   return json.object { { "low", i.low }, { "high", i.high }, { "level", i.level },
                        { "method", i.method .. " over windows" } }
end

-- Where the interval of the divergence lies towards the margin: a comparison of two numbers, no verdict.
local function place(interval, margin)
   if interval == null then return "unresolved" end
   if interval.high <= margin then return "within" end
   return interval.low > margin and "beyond" or "unresolved"
end

local function row_of(task, item, options)
   local result = item.stage.result
   local row = json.object {
      { "variant", item.variant.id }, { "task", task.id }, { "counts", result.counts } }
   for _, name in ipairs(names) do
      local number = result.distance[name]
      row[name] = json.object { { "value", number.value }, { "unit", number.unit },
                                { "interval", interval_of(number.scores, options) } }
   end
   row.kld_mean = row.kld.value
   row.margin = task.options.margin or task.definition.default_margin
   row.margin_unit = "nats"
   row.against_margin = place(row.kld.interval, row.margin)
   row.percentiles, row.delta_p_percentiles = result.note.kld, result.note.delta_p
   row.delta_p_rms = result.note.delta_p_rms
   row.buckets, row.positions, row.curve = result.note.buckets, result.note.positions, result.note.kld_curve
   row.series = json.object { { "unit", "nats" }, { "per", "window" }, { "values", result.distance.kld.scores } }
   return row
end

-- measured(task, subject) -> { { variant, stage }, ... } as record.lua finds them.
return function(context, measured)
   local out, options = json.list {}, { replicates = 10000, seed = context.study.seed }
   for _, task in ipairs(context.study.tasks) do
      if task.definition.kind == "distance" then
         for _, subject in ipairs(context.study.subjects) do
            for _, item in ipairs(measured(context, task, subject)) do
               if item.stage.result.distance then out[#out + 1] = row_of(task, item, options) end
            end
         end
      end
   end
   return out
end
