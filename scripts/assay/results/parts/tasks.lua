-- The part `tasks` of report.json: one card for each task, with its protocol, its data and the scores that need no model.
local native = require "assay.native"
local json = native.json
local list, null, object = json.list, json.null, json.object

local tasks = {}

-- The stored measurement of a task with the first variant, which is an untouched model; nil if there is none.
local function first_stage(run, task) return run.variants[1] and run.variants[1].measured[task.id] end

-- Scores that need no model: { { name, metric = name or nil for all, value }, ... }.
local function baselines_of(run, task)
   local out, stage = {}, first_stage(run, task)
   if task.definition.kind == "perplexity" then
      for _, metric in ipairs(task.definition.metrics) do
         if metric.name == "ppl" then
            out[1] = { name = "uniform over the vocabulary", metric = "ppl", value = run.study.subjects[1].facts.vocabulary }
         end
      end
   end
   for _, one in ipairs(stage and stage.result.baselines or {}) do
      out[#out + 1] = { name = one.name, metric = one.metric ~= null and one.metric or nil, value = one.value }
   end
   return out
end

-- Returns a function of (task id, metric name) that returns the scores that need no model: { { name, metric, value }, ... }.
function tasks.baselines(run)
   local of_task = {}
   for _, task in ipairs(run.study.tasks) do of_task[task.id] = baselines_of(run, task) end
   return function(task_id, metric)
      local out = {}
      for _, one in ipairs(of_task[task_id] or {}) do
         if not one.metric or one.metric == metric then out[#out + 1] = one end
      end
      return out
   end
end

local function dataset_of(task)
   local dataset = task.options.dataset
   local info = dataset and dataset:info()
   return info and object {
      { "id", dataset.id }, { "name", info.name or (dataset.config.path or ""):match "[^/]*$" },
      { "split", info.split or null }, { "subset", info.subset or null }, { "records", info.records or null },
      { "sha256", info.sha256 }, { "license", info.license } } or null
end

-- The number of items that were not measured: rows without a right answer, and prompts longer than the context.
local function count_left_out(run, task)
   local stage = first_stage(run, task)
   local result = stage and stage.result or {}
   return #(result.skipped or {}) + #(result.overlong or {})
end

function tasks.cards(run)
   local out = list {}
   for i, task in ipairs(run.study.tasks) do
      local d, baselines = task.definition, list {}
      for k, one in ipairs(baselines_of(run, task)) do
         baselines[k] = object { { "name", one.name }, { "metric", one.metric or null }, { "value", one.value } }
      end
      out[i] = object {
         { "id", task.id }, { "title", task.options.title or (d.summary:gsub("^%l", string.upper)) }, { "kind", d.kind },
         { "primary", #d.metrics > 0 and not d.exploratory }, { "protocol", task:protocol() }, { "dataset", dataset_of(task) },
         { "metrics", list(d.metrics) }, { "not_evaluated", count_left_out(run, task) }, { "baselines", baselines } }
   end
   return out
end

return tasks
