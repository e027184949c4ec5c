-- Assembles report.json from the stored stages, by the schema of reports/README.md, and writes it.
-- Renderers see nothing else. All that differs between two runs is under `times`.
local calibrations = require "assay.results.parts.calibrations"
local fail = require "assay.lib.fail"
local enrich = require "assay.results.enrich"
local changed_answers = require "assay.results.parts.changed_answers"
local evidence = require "assay.results.evidence"
local identity = require "assay.study.stages.identity"
local judge = require "assay.results.judge"
local ledger = require "assay.results.parts.ledger"
local native = require "assay.native"
local noise = require "assay.study.stages.repeat_run"
local plan = require "assay.study.plan"
local preflight = require "assay.study.stages.preflight"
local preflight_gates = require "assay.gates.preflight"
local record_distance = require "assay.results.parts.distance"
local revision = require "assay.lib.revision"
local variants = require "assay.study.variant"
local fs, json, sys = native.fs, native.json, native.sys

local record = {}
local null = json.null

local function object(pairs_) return json.object(pairs_) end
local function list(t) return json.list(t or {}) end
local function finite(x) return x and x == x and math.abs(x) < math.huge and x or null end

local function study_part(context)
   local study, primary, declared = context.study, list(), list()
   for _, one in ipairs(judge.primary(study)) do
      primary[#primary + 1] = object { { "task", one.task }, { "metric", one.metric }, { "margin", one.margin },
                                       { "unit", one.unit } }
   end
   for _, task in ipairs(study.tasks) do
      if #task.definition.metrics > 0 then declared[#declared + 1] = task.id end
   end
   return object {
      { "name", study.name }, { "title", study.title or study.name },
      { "question", study.question or null }, { "file", context.path },
      { "sha256", fs.sha256(fs.read(context.path)) }, { "seed", study.seed },
      { "command", sys.settings().command }, { "alpha", study.alpha },
      { "multiplicity", "holm" }, { "primary", primary },
      { "preregistered", study.primary ~= nil }, { "declared", object { { "tasks", declared } } } }
end

-- Components that the study used, with the hash of their files.
local function plugins_part(context)
   local used, out = {}, list()
   local function use(kind, id) if id then used[kind .. " " .. id] = { kind, id } end end
   for _, recipe in ipairs(context.study.recipes) do
      use("quantizer", recipe.data.quantizer and recipe.data.quantizer.id)
      for _, transform in ipairs(recipe.data.transforms or {}) do use("transform", transform.id) end
   end
   for _, task in ipairs(context.study.tasks) do
      use("dataset", task.options.dataset and task.options.dataset.id)
   end
   for _, key in ipairs(fail.sorted_keys(used)) do
      local facts = native.plugin.describe(used[key][1], used[key][2])
      if facts then
         out[#out + 1] = object { { "id", facts.id }, { "kind", facts.kind },
                                  { "version", facts.version }, { "sha256", facts.sha256 } }
      end
   end
   return out
end

local function environment_part(context)
   local settings, machine = sys.settings(), native.tensor.machine()
   return object {
      { "assay", settings.version }, { "revision", revision() or null }, { "libtorch", machine.libtorch },
      { "device", settings.device }, { "device_name", machine.device_name },
      { "isa", machine.isa }, { "threads", native.tensor.threads() },
      { "dtype", settings.dtype }, { "os", sys.machine().os },
      { "plugins", plugins_part(context) } }
end

local function subjects_part(context)
   local out = list()
   for _, subject in ipairs(context.study.subjects) do
      local f = plan.facts(subject)
      out[#out + 1] = object {
         { "id", subject.id }, { "name", f.name }, { "architecture", f.architecture },
         { "parameters", f.parameters }, { "linear_parameters", f.linear_parameters },
         { "blocks", f.blocks }, { "tied_head", f.tied_head }, { "dtypes", f.dtypes },
         { "fingerprint", variants.fingerprint(context, subject) },
         { "license", f.license or null }, { "provenance_note", f.provenance_note } }
   end
   return out
end

local dtype_bytes = { float32 = 4, bfloat16 = 2, float16 = 2, float64 = 8 }

local function none_variant(variant)
   local f = plan.facts(variant.subject)
   local bits = 8 * f.tensor_bytes / f.parameters
   return { bits_per_weight = bits, linear_bits_per_weight = bits, bytes_on_disk = f.tensor_bytes,
            linears = list() }
end

local function linears_part(summary)
   local out = list()
   for _, l in ipairs(summary.linears or {}) do
      out[#out + 1] = object {
         { "name", l.name }, { "role", l.role },
         { "block", tonumber(l.name:match "layers%.(%d+)%.") or null },
         { "relative_error", finite(l.relative_error) },
         { "output_error", finite(l.output_error) }, { "bits_per_weight", l.bits },
         { "bytes", l.bytes } }
   end
   return out
end

-- Bytes of the weight files alone: a folder's texts hold times, so their length is not repeatable.
-- null for a variant that no file format holds.
local function weight_bytes(saved)
   if saved.reason then return null end
   local total = 0
   for _, file in ipairs(saved.files or {}) do
      if file.name:find "%.safetensors$" or file.name:find "%.gguf$" then total = total + file.bytes end
   end
   return total > 0 and total or saved.bytes
end

local function quantized_variant(context, variant)
   local stage = context.store:find(variants.quantize_key(context, variant))
   if not stage then return nil end
   local summary = stage.result.summary
   return { bits_per_weight = summary.bits_per_weight,
            linear_bits_per_weight = summary.bits_per_quantized_weight,
            bytes_on_disk = weight_bytes(stage.result.saved), linears = linears_part(summary) }
end

local function variant_part(context, variant)
   local f = plan.facts(variant.subject)
   local dtype = sys.settings().dtype
   local sizes = variant.none and none_variant(variant) or
                 not context.failed[variant.id] and quantized_variant(context, variant)
   local problem = context.failed[variant.id]
   local out = object {
      { "id", variant.id }, { "subject", variant.subject.id }, { "label", variant.recipe.label },
      { "method", variant.recipe.data.method },
      { "calibration", calibrations.id_of(context, variant) or null },
      { "status", problem and "failed" or "ok" } }
   if problem then out.reason = tostring(problem) end
   out.recipe = variant.none and null or (native.quant.recipe(variant.recipe.data))
   sizes = sizes or {}
   out.bits_per_weight = sizes.bits_per_weight or null
   out.linear_bits_per_weight = sizes.linear_bits_per_weight or null
   out.bytes_on_disk = sizes.bytes_on_disk or null
   out.bytes_in_memory = f.parameters * (dtype_bytes[dtype] or 4)
   out.forward = variant.none and "fp" or "fake"
   out.linears = sizes.linears or list()
   local looked = not variant.none and not problem and context.store:find(preflight.key(context, variant))
   if looked and looked.result.block_errors then out.block_errors = looked.result.block_errors end
   return out
end

local function tasks_part(context)
   local out = list()
   for _, task in ipairs(context.study.tasks) do
      local info = task.options.dataset and task.options.dataset:info()
      local d = task.definition
      out[#out + 1] = object {
         { "id", task.id }, { "title", task.options.title or (d.summary:gsub("^%l", string.upper)) }, { "kind", d.kind },
         { "primary", #d.metrics > 0 and not d.exploratory }, { "protocol", task:protocol() },
         { "dataset", info and object {
            { "id", task.options.dataset.id },
            { "name", info.name or (task.options.dataset.config.path or ""):match "[^/]*$" },
            { "split", info.split or null }, { "subset", info.subset or null },
            { "records", info.records or null }, { "sha256", info.sha256 },
            { "license", info.license } } or null },
         { "metrics", list(d.metrics) }, { "not_evaluated", ledger.left_out(context, task) },
         { "baselines", list(judge.baselines(context, task)) } }
   end
   return out
end

-- Stages of a task over the variants of one subject; the reference first.
function record.measured(context, task, subject)
   local out = {}
   for _, variant in ipairs(context.study:variants()) do
      if variant.subject == subject and not context.failed[variant.id] then
         local stage = context.store:find(variants.measure_key(context, variant, task))
         if stage then out[#out + 1] = { variant = variant, stage = stage } end
      end
   end
   return out
end

local function results_part(context)
   local out = list()
   for _, task in ipairs(context.study.tasks) do
      for _, metric in ipairs(task.definition.metrics) do
         for _, subject in ipairs(context.study.subjects) do
            local rows = record.measured(context, task, subject)
            for _, row in ipairs(judge.results(context, task, metric, rows)) do
               out[#out + 1] = row
            end
         end
      end
   end
   return judge.mark_primary(context.study, out)
end

-- First token that differs from the reference's, and the byte of this text where it begins.
local function divergence(reference, output)
   if reference == output then return null end
   local a, b = reference.ids, output.ids
   for i = 1, math.max(#a, #b) do
      if a[i] ~= b[i] then
         return object { { "token", i - 1 }, { "byte", output.ends[i - 1] or 0 },
                         { "end_byte", output.ends[i] or null } }
      end
   end
   return null
end

local function generations_part(context)
   local out = list()
   for _, task in ipairs(context.study.tasks) do
      if task.definition.kind == "generations" then
         for _, subject in ipairs(context.study.subjects) do
            local rows = record.measured(context, task, subject)
            local reference = rows[1] and rows[1].stage.result.outputs or {}
            for i, prompt in ipairs(reference) do
               local outputs = list()
               for k, row in ipairs(rows) do
                  local o = row.stage.result.outputs[i]
                  outputs[k] = object {
                     { "variant", row.variant.id }, { "text", o.text }, { "tokens", #o.ids },
                     { "finish", o.finish }, { "divergence", divergence(prompt, o) } }
               end
               out[#out + 1] = object {
                  { "prompt_id", prompt.prompt_id }, { "category", prompt.category },
                  { "prompt", prompt.prompt }, { "task", task.id },
                  { "decode", object { { "temperature", 0 },
                                       { "max_tokens", task.options.max_tokens } } },
                  { "outputs", outputs } }
            end
         end
      end
   end
   return out
end

local function gates_part(context)
   local out = list()
   for _, variant in ipairs(context.study:variants()) do
      if variant.none then
         local stage = context.store:find(identity.key(context, variant))
         local passed = stage and stage.result.passed
         out[#out + 1] = object {
            { "id", identity.id }, { "title", identity.title }, { "severity", identity.severity },
            { "status", not stage and "not_run" or passed and "pass" or "fail" },
            { "scope", variant.subject.id }, { "evidence", stage and stage.result.evidence or null },
            { "message", passed and "the untouched model survives quantize, save and load bit for bit"
                         or "saving and loading changes the model: no number of this study is valid" } }
      end
   end
   return out
end

local function times_part(context)
   local per_variant, per_result = object(), object()
   for _, variant in ipairs(context.study:variants()) do
      local made = not variant.none and context.store:find(variants.quantize_key(context, variant))
      local evaluate, peak, results = 0, made and made.times.peak_memory_bytes or 0, object()
      for _, task in ipairs(context.study.tasks) do
         local stage = context.store:find(variants.measure_key(context, variant, task))
         if stage then
            local seconds = stage.times.seconds
            evaluate, peak = evaluate + seconds, math.max(peak, stage.times.peak_memory_bytes)
            local counts = stage.result.counts
            results[task.id] = object {
               { "seconds", seconds },
               { "tokens_per_second", counts and counts.tokens and finite(counts.tokens / seconds) or null } }
         end
      end
      per_variant[variant.id] = object {
         { "quantize_seconds", made and made.times.seconds or 0 },
         { "evaluate_seconds", evaluate }, { "peak_memory_bytes", peak } }
      per_result[variant.id] = results
   end
   return object {
      { "started", context.started }, { "finished", sys.utc() },
      { "seconds", sys.clock() - context.clock }, { "resumed", context.resumed },
      { "variants", per_variant }, { "results", per_result } }
end

-- Tasks whose untouched model is no better than guessing: nothing on them can be judged.
local function exclude_baselines(report, invalid)
   for _, result in ipairs(report.results) do
      local subject = result.variant:match "^(.*)/[^/]+$"
      if invalid[subject .. "\0" .. result.task] and result.verdict ~= "reference" then
         result.verdict, result.reason = "invalid", "the untouched model is at its trivial score on this task"
         result.excluded = true
      end
   end
   report.excluded = list()
   for _, key in ipairs(fail.sorted_keys(invalid)) do
      local subject, task = key:match "^(.-)\0(.*)$"
      report.excluded[#report.excluded + 1] = object { { "subject", subject }, { "task", task } }
   end
end

-- What the stages of a run hold beyond their numbers, for publish.lua: { failures, rows }.
local function add_evidence(context, report)
   report.aa_noise = noise.report(context)
   noise.mark(report)
   report.detectors = evidence.detectors(context, record.measured)
   report.identity = evidence.identity(context, record.measured)
   report.lengths = evidence.lengths(context, record.measured)
   report.labels = evidence.labels(context, record.measured)
   report.changed_answers = changed_answers(context, record.measured)
   report.resources = evidence.resources(context, record.measured)
   context.failures = evidence.failures(context, record.measured)
   report.failures = evidence.catalogue(context.failures, context.study.seed)
   local bytes = {}
   for _, variant in ipairs(report.variants) do bytes[variant.id] = variant.bytes_on_disk end
   exclude_baselines(report, preflight_gates(context, report, function(id) return bytes[id] end))
   judge.finish(context, report.results)
   evidence.collapse(report)
end

function record.assemble(context)
   local report = object { { "schema", "assay.report/1" } }
   report.study = study_part(context)
   report.environment = environment_part(context)
   report.subjects = subjects_part(context)
   report.calibrations = calibrations.list(context)
   report.variants = list()
   for _, variant in ipairs(context.study:variants()) do
      report.variants[#report.variants + 1] = variant_part(context, variant)
   end
   ledger.add_missing(context, report)
   report.tasks = tasks_part(context)
   report.gates = gates_part(context)
   context.gates = report.gates
   report.results = results_part(context)
   report.interaction = judge.interaction(context, record.measured)
   report.distance = record_distance(context, record.measured)
   report.generations = generations_part(context)
   add_evidence(context, report)
   report.verdicts = judge.verdicts(context, report)
   report.ledger = ledger.entries(context)
   report.times = times_part(context)
   return enrich(report)
end

return record
