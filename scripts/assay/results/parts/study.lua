-- The parts `study`, `environment` and `subjects` of report.json: what was asked, of which models, with what software.
local fail = require "assay.lib.fail"
local native = require "assay.native"
local primary = require "assay.results.primary"
local revision = require "assay.lib.revision"
local fs, json, sys = native.fs, native.json, native.sys
local list, null, object = json.list, json.null, json.object

local parts = {}

-- Recipes and tasks that are not available on this machine, each with the reason.
local function not_available(study)
   local out = list {}
   for i, one in ipairs(study.missing) do
      out[i] = object { { "kind", one.kind }, { "label", one.label }, { "reason", one.reason } }
   end
   return out
end

function parts.study(run)
   local study, claims, declared = run.study, list {}, list {}
   for i, one in ipairs(primary.list(study)) do
      claims[i] = object { { "task", one.task }, { "metric", one.metric }, { "margin", one.margin }, { "unit", one.unit } }
   end
   for _, task in ipairs(study.tasks) do
      if #task.definition.metrics > 0 then declared[#declared + 1] = task.id end
   end
   return object {
      { "name", study.name }, { "title", study.title or study.name }, { "question", study.question or null },
      { "file", run.path }, { "sha256", fs.sha256(fs.read(run.path)) }, { "seed", study.seed },
      { "command", sys.settings().command }, { "alpha", study.alpha }, { "multiplicity", "holm" }, { "primary", claims },
      { "preregistered", study.primary ~= nil }, { "declared", object { { "tasks", declared } } },
      { "not_available", not_available(study) } }
end

-- The quantizers, transforms and datasets that the study used, with the hashes of their plugin files.
local function plugins_of(study)
   local used, out = {}, list {}
   local function use(kind, id) if id then used[kind .. " " .. id] = { kind, id } end end
   for _, recipe in ipairs(study.recipes) do
      use("quantizer", recipe.data.quantizer and recipe.data.quantizer.id)
      for _, transform in ipairs(recipe.data.transforms or {}) do use("transform", transform.id) end
   end
   for _, task in ipairs(study.tasks) do use("dataset", task.options.dataset and task.options.dataset.id) end
   for _, key in ipairs(fail.sorted_keys(used)) do
      local facts = native.plugin.describe(used[key][1], used[key][2])
      if facts then
         out[#out + 1] = object { { "id", facts.id }, { "kind", facts.kind }, { "version", facts.version },
                                  { "sha256", facts.sha256 } }
      end
   end
   return out
end

function parts.environment(run)
   local settings, machine = sys.settings(), native.tensor.machine()
   return object {
      { "assay", settings.version }, { "revision", revision() or null }, { "libtorch", machine.libtorch },
      { "device", settings.device }, { "device_name", machine.device_name }, { "isa", machine.isa },
      { "threads", native.tensor.threads() }, { "dtype", settings.dtype }, { "os", sys.machine().os },
      { "plugins", plugins_of(run.study) } }
end

function parts.subjects(run)
   local out = list {}
   for i, subject in ipairs(run.study.subjects) do
      local f = subject.facts
      out[i] = object {
         { "id", subject.id }, { "name", f.name }, { "architecture", f.architecture }, { "parameters", f.parameters },
         { "linear_parameters", f.linear_parameters }, { "blocks", f.blocks }, { "tied_head", f.tied_head },
         { "dtypes", f.dtypes }, { "fingerprint", subject.fingerprint }, { "license", f.license or null },
         { "provenance_note", f.provenance_note } }
   end
   return out
end

return parts
