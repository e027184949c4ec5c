-- Says which metrics of a study are primary (the verdicts depend on them), and which margin (the largest loss that counts as none) each
-- has. Both are fixed before the run. The study's `primary` declares them; without it, the first metric of each task that is not
-- exploratory is primary.

local primary = {}

local PERPLEXITY_MARGIN <const> = 1.02 -- ratio: +2 % perplexity counts as no loss
local POINTS_MARGIN <const> = 1        -- percentage points, if the task has no margin of its own

local function default_margin(metric, definition)
   if metric.unit == "ppl" then return PERPLEXITY_MARGIN end
   return metric.unit == "fraction" and definition.default_margin or POINTS_MARGIN
end

local function unit_of_margin(metric)
   if metric.unit == "ppl" then return "ratio" end
   return metric.unit == "fraction" and "pp" or metric.unit
end

local function key_of(task, metric) return task .. "\0" .. metric end

-- { { task, metric, margin, unit }, ... } in the order of the study's tasks. Ratios have the unit "ratio", proportions "pp".
function primary.list(study)
   local out, declared = {}, {}
   for _, one in ipairs(study.primary or {}) do declared[key_of(one.task, one.metric)] = one end
   for _, task in ipairs(study.tasks) do
      for i, metric in ipairs(task.definition.metrics) do
         local one = declared[key_of(task.id, metric.name)]
         if one or not study.primary and i == 1 and not task.definition.exploratory then
            out[#out + 1] = { task = task.id, metric = metric.name,
                              margin = one and one.margin or task.options.margin or default_margin(metric, task.definition),
                              unit = unit_of_margin(metric) }
         end
      end
   end
   return out
end

-- Returns two functions of (task id, metric name): the margin, and whether the metric is primary. A metric that is not
-- primary has the margin of its task, else the default.
function primary.lookup(study)
   local margins, is_primary = {}, {}
   for _, task in ipairs(study.tasks) do
      for _, metric in ipairs(task.definition.metrics) do
         margins[key_of(task.id, metric.name)] = task.options.margin or default_margin(metric, task.definition)
      end
   end
   for _, one in ipairs(primary.list(study)) do
      local key = key_of(one.task, one.metric)
      margins[key], is_primary[key] = one.margin, true
   end
   local function margin_of(task, metric) return margins[key_of(task, metric)] or POINTS_MARGIN end
   return margin_of, function(task, metric) return is_primary[key_of(task, metric)] or false end
end

return primary
