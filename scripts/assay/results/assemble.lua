-- Assembles report.json by the schema that reports/schema.md describes. Every part is computed from `run`, the stored results of the stages
-- (stored.lua). The function at the end judges in four steps; each step needs the result of the step before.
local baseline = require "assay.gates.baseline"
local breakage = require "assay.results.breakage"
local calibration_spread = require "assay.results.parts.calibration_spread"
local calibrations = require "assay.results.parts.calibrations"
local changed_answers = require "assay.results.parts.changed_answers"
local collapse = require "assay.gates.collapse"
local comparisons = require "assay.results.comparisons"
local copies = require "assay.results.copies"
local distance = require "assay.results.parts.distance"
local failures = require "assay.results.parts.failures"
local families = require "assay.results.families"
local gates = require "assay.gates"
local generations = require "assay.results.parts.generations"
local interaction = require "assay.results.parts.interaction"
local labels = require "assay.results.parts.labels"
local ledger = require "assay.results.parts.ledger"
local lengths = require "assay.results.lengths"
local native = require "assay.native"
local noise = require "assay.results.parts.noise"
local results_part = require "assay.results.parts.results"
local study = require "assay.results.parts.study"
local tasks = require "assay.results.parts.tasks"
local times = require "assay.results.parts.times"
local variants_part = require "assay.results.parts.variants"
local verdicts = require "assay.results.verdicts"
local json = native.json
local list, null, object = json.list, json.null, json.object

-- ---- the steps of judgement ------------------------------------------------------------------------

-- What the gates (checks of validity) read: rows of comparisons, signs of broken output, distances, calibrations and sizes.
local function facts_of(run, report, rows, signs)
   local facts = { run = run, rows = rows, signs = signs, distance = report.distance, calibrations = report.calibrations,
                   baselines = tasks.baselines(run), bytes_on_disk = {}, changed_variants = {} }
   for _, variant in ipairs(report.variants) do
      local bytes = variant.bytes_on_disk
      if bytes ~= null then facts.bytes_on_disk[variant.id] = bytes end
      if variant.recipe ~= null then facts.changed_variants[#facts.changed_variants + 1] = variant.id end
   end
   return facts
end

-- `signs` has the signs in the answers. Adds for every quantized variant the sign F21: the number of tasks on which its score fell to
-- a score that needs no model, such as that of guessing.
local function with_scores(signs, run, report, rows)
   local baselines = tasks.baselines(run)
   for _, variant in ipairs(report.variants) do
      if variant.recipe ~= null then
         signs[#signs + 1] = breakage.of_scores(rows, baselines, variant.id, variant.subject .. "/none")
      end
   end
   return signs
end

-- { [row] = true } for comparisons on tasks that gate P8 excluded. pairs_of: { { subject, task }, ... }.
local function excluded_rows(rows, pairs_of)
   local out = {}
   for _, row in ipairs(rows) do
      for _, one in ipairs(pairs_of) do
         if row.subject == one.subject and row.task == one.task and not row.reference then out[row] = true end
      end
   end
   return out
end

local function excluded_part(pairs_of)
   local out = list {}
   for i, one in ipairs(pairs_of) do out[i] = object { { "subject", one.subject }, { "task", one.task } } end
   return out
end

-- The verdicts of variants as report.json holds them.
local function verdicts_part(judged)
   local out = list {}
   for i, one in ipairs(judged) do
      local because = list {}
      for k, part in ipairs(one.because) do because[k] = object { { "task", part.task }, { "metric", part.metric } } end
      out[i] = object { { "variant", one.variant }, { "verdict", one.verdict }, { "because", because } }
   end
   return out
end

-- ---- the report ------------------------------------------------------------------------------------

-- The parts that describe and measure and do not judge. report.json has its keys in the order of these assignments.
local function measured_parts(run)
   local report = object { { "schema", "assay.report/1" } }
   report.study = study.study(run)
   report.environment = study.environment(run)
   report.subjects = study.subjects(run)
   local entries, calibration_ids = calibrations(run)
   report.calibrations = entries
   report.variants = variants_part(run, calibration_ids)
   report.tasks = tasks.cards(run)
   report.gates = list {} -- filled later; report.json shows gates and results before the evidence
   report.results = list {}
   report.interaction = interaction(run)
   report.distance = distance(run)
   report.generations = generations.part(run)
   report.aa_noise = noise.part(run)
   report.detectors = breakage.of_answers(run)
   report.identity = copies(run)
   report.lengths = lengths.curves(run)
   report.labels = labels(run)
   report.changed_answers = changed_answers(run)
   report.resources = lengths.means(run)
   return report
end

local function subject_of(report)
   local out = {}
   for _, variant in ipairs(report.variants) do out[variant.id] = variant.subject end
   return out
end

local function ids_of(run)
   local ids = {}
   for i, variant in ipairs(run.variants) do ids[i] = variant.id end
   return ids
end

-- run: from stored.collect. Returns the report, and all entries of the failure catalogue for failures.jsonl.
return function(run)
   local alpha = run.study.alpha
   local report = measured_parts(run)
   local rows = noise.marked(comparisons.of_run(run), report.aa_noise)
   local entries = failures.collect(run)
   report.failures = failures.part(entries, run.study.seed)
   with_scores(report.detectors, run, report, rows)

   -- 1. The gates of the study's own measurements.
   local facts = facts_of(run, report, rows, report.detectors)
   local measured_gates = gates.of_study(facts)
   for _, variant in ipairs(report.variants) do
      local reasons = variant.recipe ~= null and collapse.reasons(facts, variant.id) or {}
      if #reasons > 0 then variant.collapsed = list(reasons) end
   end

   -- 2. The numbers: p values adjusted within each family, then a verdict for each comparison and each variant.
   local excluded_pairs = baseline.excluded(facts)
   local excluded = excluded_rows(rows, excluded_pairs)
   local p_of_row = families.p_values(rows, excluded, run.study)
   local p_values = {}
   for i, row in ipairs(rows) do p_values[i] = p_of_row[row] end
   local judged = verdicts.judge(rows, p_of_row, excluded, measured_gates, alpha)
   local of_variants = verdicts.of_variants(ids_of(run), judged)

   -- 3. The guardrails, which read a report with these verdicts.
   report.excluded = excluded_part(excluded_pairs)
   report.gates = gates.json(measured_gates)
   report.results = results_part(judged, p_values)
   report.verdicts = verdicts_part(of_variants)
   report.ledger = ledger(run)
   report.times = times(run)
   local all_gates = gates.with_guardrails(measured_gates, report)

   -- 4. Verdicts become "invalid" where a blocking gate failed.
   local subjects = subject_of(report)
   report.gates = gates.json(all_gates)
   report.results = results_part(verdicts.withdraw(judged, all_gates, subjects), p_values)
   report.verdicts = verdicts_part(verdicts.withdraw(of_variants, all_gates, subjects))
   report.sensitivity = calibration_spread(report)
   return report, entries
end
