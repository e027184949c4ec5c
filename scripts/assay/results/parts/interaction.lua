-- The part `interaction` of report.json: does the second subject (a tuned model) lose more by quantization than the first (its base)?
-- For each primary metric and recipe, the part has the mean over all items of
-- (second quantized - second untouched) - (first quantized - first untouched).
local comparisons = require "assay.results.comparisons"
local native = require "assay.native"
local primary = require "assay.results.primary"
local stored = require "assay.results.stored"
local json, stats = native.json, native.stats

-- The two subjects that are compared. The first one is the subject named "base"; without that name, it is the study's first subject.
local function two_subjects(study)
   local first, second = study.subjects[1], study.subjects[2]
   for _, one in ipairs(study.subjects) do if one.id == "base" then first = one end end
   return first, second ~= first and second or study.subjects[1]
end

-- { [recipe id] = result } of one task and subject.
local function results_by_recipe(run, task, subject)
   local found = {}
   for _, row in ipairs(stored.rows(run, task, subject)) do found[row.variant.recipe.id] = row.stage.result end
   return found
end

-- The scores of a result, its item ids and clusters; nil if its scores cannot be subtracted item by item.
local function cell_of(result, metric_name)
   local metric = result and (result.metrics or {})[metric_name]
   if not metric or metric.weights or #metric.scores < 2 then return nil end
   return { scores = metric.scores, unit = metric.unit, link = metric.link, ids = result.ids, clusters = result.clusters }
end

-- Whether item k of one subject is item k of the other: the ids are equal, and for windows of tokens also the vocabulary sizes.
local function have_same_items(a, b, first, second)
   if #a.scores ~= #b.scores then return false end
   if a.link == "exp" and first.facts.vocabulary ~= second.facts.vocabulary then return false end
   for i, id in ipairs(a.ids or {}) do if id ~= (b.ids or {})[i] then return false end end
   return true
end

-- cells: four results: first untouched, first quantized, second untouched, second quantized.
local function row_of(claim, recipe, first, second, cells, options)
   local c = cells[1]
   local i = stats.difference_in_differences(c.scores, cells[2].scores, cells[3].scores, cells[4].scores,
      { replicates = options.replicates, seed = options.seed, clusters = c.clusters })
   local scale = c.unit == "fraction" and 100 or 1
   return json.object {
      { "task", claim.task }, { "metric", claim.metric }, { "recipe", recipe.id }, { "label", recipe.label },
      { "first", first.id }, { "second", second.id },
      { "unit", scale == 100 and "pp" or c.link == "exp" and "nats" or c.unit }, { "estimate", scale * i.estimate },
      { "low", scale * i.low }, { "high", scale * i.high }, { "level", i.level }, { "method", i.method } }
end

return function(run)
   local out, study = json.list {}, run.study
   if #study.subjects < 2 then return out end
   local first, second = two_subjects(study)
   local tasks, options = {}, comparisons.options(study)
   for _, task in ipairs(study.tasks) do tasks[task.id] = task end
   for _, claim in ipairs(primary.list(study)) do
      local a, b = results_by_recipe(run, tasks[claim.task], first), results_by_recipe(run, tasks[claim.task], second)
      for _, recipe in ipairs(study.recipes) do
         local cells = {}
         for i, result in ipairs { a.none or false, a[recipe.id] or false, b.none or false, b[recipe.id] or false } do
            cells[i] = cell_of(result, claim.metric)
         end
         if recipe.id ~= "none" and cells[1] and cells[2] and cells[3] and cells[4]
            and have_same_items(cells[1], cells[3], first, second) then
            out[#out + 1] = row_of(claim, recipe, first, second, cells, options)
         end
      end
   end
   return out
end
