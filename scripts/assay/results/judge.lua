-- The family of a study's comparisons: which metrics are primary, their margins, adjusted p over all of them, the verdict of
-- each variant, and whether tuning makes a model more fragile. The statistics are C++ (assay.native.stats); the words are
-- the closed list of reports/README.md.
local judge_items = require "assay.results.judge_items"
local native = require "assay.native"
local plan = require "assay.study.plan"
local variants = require "assay.study.variant"
local json, stats = native.json, native.stats

local judge = {}
local null = json.null

local ppl_margin = 1.02 -- +2 % perplexity counts as no loss
local replicates = 10000

function judge.default_margin(metric, definition)
   if metric.unit == "ppl" then return ppl_margin end
   return metric.unit == "fraction" and definition and definition.default_margin or 1
end

function judge.margin_unit(metric)
   if metric.unit == "ppl" then return "ratio" end
   return metric.unit == "fraction" and "pp" or metric.unit
end

-- What was declared before the run: { task, metric, margin, unit } per primary metric, in order. Without a declaration
-- the first metric of every task is primary.
function judge.primary(study)
   local out, declared = {}, {}
   for _, one in ipairs(study.primary or {}) do declared[one.task .. "\0" .. one.metric] = one end
   for _, task in ipairs(study.tasks) do
      for i, metric in ipairs(task.definition.metrics) do
         local one = declared[task.id .. "\0" .. metric.name]
         if one or not study.primary and i == 1 and not task.definition.exploratory then
            out[#out + 1] = { task = task.id, metric = metric.name,
                              margin = one and one.margin or task.options.margin
                                       or judge.default_margin(metric, task.definition),
                              unit = judge.margin_unit(metric) }
         end
      end
   end
   return out
end

function judge.baselines(context, task)
   local out = {}
   if task.definition.kind == "perplexity" then
      local facts = plan.facts(context.study.subjects[1])
      for _, metric in ipairs(task.definition.metrics) do
         if metric.name == "ppl" then
            out[#out + 1] = json.object { { "name", "uniform over the vocabulary" }, { "metric", metric.name },
                                          { "value", facts.vocabulary } }
         end
      end
   end
   local stage = context.store:find(variants.measure_key(context, context.study:variants()[1], task))
   for _, one in ipairs(stage and stage.result.baselines or {}) do
      out[#out + 1] = json.object { { "name", one.name }, { "metric", one.metric or null }, { "value", one.value } }
   end
   return out
end

local function options_of(context, clusters)
   return { replicates = replicates, seed = context.study.seed, clusters = clusters }
end

-- Intervals and paired differences of one task and metric over the variants of one subject.
function judge.results(context, task, metric, rows)
   return judge_items.results(task, metric.name, rows, options_of(context))
end

local function blocked(context, subject_id)
   for _, gate in ipairs(context.gates or {}) do
      if gate.severity == "block" and gate.status == "fail" and
         (gate.scope == subject_id or gate.scope == null) then
         return true
      end
   end
   return false
end

local function declared_margins(study)
   local margins = {}
   for _, one in ipairs(judge.primary(study)) do margins[one.task .. "\0" .. one.metric] = one.margin end
   return margins
end

-- Says of each result whether it is primary.
function judge.mark_primary(study, results)
   local margins = declared_margins(study)
   for _, result in ipairs(results) do result.primary = margins[result.task .. "\0" .. result.metric] ~= nil end
   return results
end

-- Adjusts p over the whole study: Holm over the primary comparisons, Benjamini-Hochberg over the others, which are
-- exploration; then sets the verdicts. What gate P8 has excluded is no comparison and counts in neither family: the
-- untouched model decides that, before any variant is looked at.
function judge.finish(context, results)
   local study = context.study
   local margins = declared_margins(study)
   local metrics = {}
   for _, task in ipairs(study.tasks) do
      for _, metric in ipairs(task.definition.metrics) do
         metrics[task.id .. "\0" .. metric.name] = task.options.margin or judge.default_margin(metric, task.definition)
      end
   end
   local primary, others = {}, {}
   for _, result in ipairs(judge.mark_primary(study, results)) do
      if not result.excluded then table.insert(result.primary and primary or others, result) end
   end
   judge_items.adjust(primary, "holm")
   judge_items.adjust(others, "benjamini_hochberg")
   judge_items.set_verdicts(results, function(result)
      local key = result.task .. "\0" .. result.metric
      return margins[key] or metrics[key] or 1
   end, study.alpha)
   local subject_of = {}
   for _, variant in ipairs(study:variants()) do subject_of[variant.id] = variant.subject.id end
   for _, result in ipairs(results) do
      if blocked(context, subject_of[result.variant]) then result.verdict = "invalid" end
   end
   return results
end

-- From bad to good; the worst over the primary metrics is the variant's.
local order = { "invalid", "worse", "inconclusive", "not_run", "non-inferior", "tie", "equivalent",
                "better", "reference" }
local rank = {}
for i, word in ipairs(order) do rank[word] = i end

function judge.verdicts(context, report)
   local out = json.list {}
   for _, variant in ipairs(context.study:variants()) do
      local word, because = nil, json.list {}
      for _, result in ipairs(report.results) do
         if result.variant == variant.id and result.primary ~= false and not result.excluded then
            if not word or rank[result.verdict] < rank[word] then word, because = result.verdict, json.list {} end
            if result.verdict == word then
               because[#because + 1] = json.object { { "task", result.task }, { "metric", result.metric } }
            end
         end
      end
      out[#out + 1] = json.object { { "variant", variant.id }, { "verdict", word or "not_run" },
                                    { "because", because } }
   end
   return out
end

-- ---- does tuning make it more fragile? -----------------------------------------------------------

local function log_scores(metric)
   return metric and not metric.weights and #metric.scores >= 2 and metric or nil
end

-- Whether item k of one subject is item k of the other: the same names, and for windows of tokens the same vocabulary.
local function same_items(a, b, first, second)
   if #a.scores ~= #b.scores then return false end
   if a.link == "exp" and plan.facts(first).vocabulary ~= plan.facts(second).vocabulary then return false end
   for i, id in ipairs(a.ids or {}) do if id ~= (b.ids or {})[i] then return false end end
   return true
end

-- (second quantized - second) - (first quantized - first), item by item. measured(task, subject) as in record.lua.
function judge.interaction(context, measured)
   local out, study = json.list {}, context.study
   if #study.subjects < 2 then return out end
   local first, second = study.subjects[1], study.subjects[2]
   for _, one in ipairs(study.subjects) do if one.id == "base" then first = one end end
   if second == first then second = study.subjects[1] end
   local function by_recipe(task, subject)
      local found = {}
      for _, row in ipairs(measured(context, task, subject)) do found[row.variant.recipe.id] = row.stage.result end
      return found
   end
   for _, primary in ipairs(judge.primary(study)) do
      for _, task in ipairs(study.tasks) do
         local a, b = {}, {}
         if task.id == primary.task then a, b = by_recipe(task, first), by_recipe(task, second) end
         for _, recipe in ipairs(study.recipes) do
            local cells = {}
            for i, result in ipairs { a.none or false, a[recipe.id] or false, b.none or false, b[recipe.id] or false } do
               cells[i] = result and log_scores((result.metrics or {})[primary.metric]) or false
               if cells[i] then cells[i].ids, cells[i].clusters = result.ids, result.clusters end
            end
            if recipe.id ~= "none" and cells[1] and cells[2] and cells[3] and cells[4]
               and same_items(cells[1], cells[3], first, second) then
               local i = stats.difference_in_differences(cells[1].scores, cells[2].scores, cells[3].scores,
                                                         cells[4].scores, options_of(context, cells[1].clusters))
               local scale = cells[1].unit == "fraction" and 100 or 1
               out[#out + 1] = json.object {
                  { "task", task.id }, { "metric", primary.metric }, { "recipe", recipe.id }, { "label", recipe.label },
                  { "first", first.id }, { "second", second.id },
                  { "unit", scale == 100 and "pp" or cells[1].link == "exp" and "nats" or cells[1].unit },
                  { "estimate", scale * i.estimate }, { "low", scale * i.low }, { "high", scale * i.high },
                  { "level", i.level }, { "method", i.method } }
            end
         end
      end
   end
   return out
end

return judge
