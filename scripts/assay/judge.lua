-- From measured windows to results with intervals, paired differences and a verdict word.
-- The statistics are C++ (assay.native.stats); the words are the closed list of reports/README.md.
local judge_items = require "assay.judge_items"
local native = require "assay.native"
local plan = require "assay.plan"
local variants = require "assay.variant"
local json, stats = native.json, native.stats

local judge = {}
local null = json.null

local default_margin = 1.02 -- +2 % perplexity counts as no loss
local replicates = 10000

function judge.default_margin(metric) return metric.unit == "ppl" and default_margin or 1 end
function judge.margin_unit(metric) return metric.unit == "ppl" and "ratio" or "pp" end

function judge.baselines(context, task)
   local out = {}
   if task.definition.kind == "perplexity" then
      local facts = plan.facts(context.study.subjects[1])
      out[1] = json.object { { "name", "uniform over the vocabulary" }, { "metric", "ppl" },
                             { "value", facts.vocabulary } }
   end
   local stage = context.store:find(variants.measure_key(context, context.study:variants()[1], task))
   for _, one in ipairs(stage and stage.result.baselines or {}) do
      out[#out + 1] = json.object { { "name", one.name }, { "metric", one.metric or null }, { "value", one.value } }
   end
   return out
end

local function interval_part(i)
   return json.object { { "low", i.low }, { "high", i.high }, { "level", i.level },
                        { "method", i.method } }
end

local function options_of(context) return { replicates = replicates, seed = context.study.seed } end

-- The result of one variant, without what needs the others (Holm, verdict).
local function result_of(context, task, metric, row, reference)
   local r = row.stage.result
   local windows = r.series and r.series.values or {}
   local out = json.object {
      { "variant", row.variant.id }, { "task", task.id }, { "metric", metric.name },
      { "subset", null }, { "value", r.value == r.value and r.value < math.huge and r.value or null },
      { "unit", metric.unit }, { "direction", metric.direction }, { "counts", r.counts } }
   local enough = stats and #windows >= 2
   if enough then
      out.interval = interval_part(stats.perplexity_interval(windows, options_of(context)))
   else
      out.interval, out.reason = null, "an interval needs at least two windows"
   end
   out.paired = null
   if enough and reference and reference ~= row then
      local base = reference.stage.result.series.values
      local p = stats.perplexity_ratio(windows, base, options_of(context))
      local differences = {}
      for i = 1, #windows do differences[i] = windows[i] - base[i] end
      local test = stats.sign_flip(differences, { seed = context.study.seed })
      out.paired = json.object {
         { "against", reference.variant.id }, { "quantity", "ratio" }, { "estimate", p.estimate },
         { "low", p.low }, { "high", p.high }, { "level", p.level }, { "method", p.method },
         { "p", test }, { "p_holm", null } }
   end
   if r.series then out.series = r.series end
   return out
end

-- Holm's step-down over the comparisons with the reference.
local function adjust(results)
   local ps, rows = {}, {}
   for _, result in ipairs(results) do
      if result.paired ~= null then
         ps[#ps + 1], rows[#rows + 1] = result.paired.p, result
      end
   end
   if #ps == 0 then return end
   for i, p in ipairs(stats.holm(ps)) do rows[i].paired.p_holm = p end
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

-- The verdict word, and whether a certain loss is within the margin.
local function word_of(context, result, margin)
   local p = result.paired
   if p == null then return "inconclusive" end
   local resolved = p.p_holm ~= null and p.p_holm < context.study.alpha
   local worse_low, worse_high = p.low, p.high
   if worse_low > 1 and resolved then return "worse", worse_high <= margin end
   if worse_high < 1 and resolved then return "better" end
   if worse_high <= margin then
      return worse_low >= 1 / margin and "equivalent" or "non-inferior"
   end
   return "inconclusive"
end

local function invalidate(context, rows, results)
   for i, result in ipairs(results) do
      if blocked(context, rows[i].variant.subject.id) then result.verdict = "invalid" end
   end
   return results
end

function judge.results(context, task, metric, rows)
   local margin = task.options.margin or judge.default_margin(metric)
   if rows[1] and rows[1].stage.result.metrics then
      local results = judge_items.results(task, metric.name, rows, options_of(context))
      return invalidate(context, rows, judge_items.finish(results, margin, context.study.alpha))
   end
   local out, reference = {}, rows[1]
   for i, row in ipairs(rows) do out[i] = result_of(context, task, metric, row, reference) end
   if stats then adjust(out) end
   for i, result in ipairs(out) do
      local word, within = "reference", nil
      if i > 1 then word, within = word_of(context, result, margin) end
      result.verdict = word
      if within ~= nil then result.within_margin = within end
      if result.reason == nil then result.reason = null end
   end
   return invalidate(context, rows, out)
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
         if result.variant == variant.id then
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

return judge
