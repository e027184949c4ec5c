-- Computes one row for each variant, task and metric: value, counts, interval, and the comparison with the untouched model.
-- A row is a plain table. It has no p and no verdict yet, because families.lua and verdicts.lua need all rows for these.
local intervals = require "assay.results.intervals"
local items = require "assay.tasks.items"
local paired = require "assay.results.paired"
local primary = require "assay.results.primary"
local stored = require "assay.results.stored"

local comparisons = {}

local REPLICATES <const> = 10000

-- Options of every bootstrap of a study.
function comparisons.options(study) return { replicates = REPLICATES, seed = study.seed } end

local function finite(x) return x and x == x and math.abs(x) < math.huge and x or nil end

-- The share of items whose answer changed, whether right or wrong; nil if the stage stored no choices.
local function answer_change(own, base)
   if not (own.choices and base.choices) then return nil end
   local changed = 0
   for i, one in ipairs(own.choices) do
      if one.pred ~= base.choices[i].pred then changed = changed + 1 end
   end
   return changed / #own.choices
end

-- Adds the comparison with the reference to the row, or the reason why there is none. metric: the variant's metric; shown, clusters:
-- what intervals.counted_items returns for this metric; own, reference: results of the stage `measure`.
local function compare(row, metric, shown, clusters, own, reference, options)
   local base = reference.result.metrics[row.metric]
   if not base then return end
   local shown_base = intervals.counted_items(base)
   local reason = paired.obstacle(metric, base) or #shown.scores < 2 and "too few items for a comparison"
   if reason then
      row.reason = reason
      return
   end
   -- both sides need the same kind; one side counts as "binary" by chance if all its grades are 0 or 1
   if shown.kind ~= shown_base.kind then shown.kind, shown_base.kind = "mean", "mean" end
   row.paired, row.mde = paired.compare(shown, shown_base, options, clusters)
   row.paired.against = reference.id
   if intervals.is_binary(metric) then row.paired.answer_change = answer_change(own, reference.result) end
end

-- Returns the rows of one task, subject and metric. rows: { { variant, stage }, ... }, the reference first. options: { replicates,
-- seed } of the bootstrap.
function comparisons.of_task(task, metric_name, rows, options)
   local out = {}
   local reference = rows[1] and { id = rows[1].variant.id, result = rows[1].stage.result }
   for k, found in ipairs(rows) do
      local own = found.stage.result
      local metric = (own.metrics or {})[metric_name]
      if metric then
         local shown, clusters = intervals.counted_items(metric, own.clusters)
         local row = { variant = found.variant.id, task = task.id, metric = metric_name, value = finite(metric.value),
                       unit = metric.unit, direction = metric.direction, kind = metric.kind, reference = k == 1,
                       prompt_hash = items.prompts_hash(own.outputs or own.choices) }
         row.counts, row.interval = intervals.of(shown, shown == metric and own.counts or nil, options, clusters)
         if not row.interval then row.reason = "an interval needs at least two items" end
         if k > 1 then compare(row, metric, shown, clusters, own, reference, options) end
         if own.series and intervals.is_exponential(metric) then row.series = own.series end
         out[#out + 1] = row
      end
   end
   return out
end

-- All rows of a study, each with `primary` (true or false) and `margin`, the largest loss that counts as none.
function comparisons.of_run(run)
   local out, options = {}, comparisons.options(run.study)
   local margin_of, is_primary = primary.lookup(run.study)
   for _, task in ipairs(run.study.tasks) do
      for _, metric in ipairs(task.definition.metrics) do
         for _, subject in ipairs(run.study.subjects) do
            for _, row in ipairs(comparisons.of_task(task, metric.name, stored.rows(run, task, subject), options)) do
               row.subject = subject.id
               row.primary, row.margin = is_primary(task.id, metric.name), margin_of(task.id, metric.name)
               out[#out + 1] = row
            end
         end
      end
   end
   return out
end

return comparisons
