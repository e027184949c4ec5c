-- The part `failures` of report.json: for each variant and task, how often each symptom of broken output occurs, and the entries
-- that a report shows. results/failure_catalogue.lua makes and chooses the entries; failures.jsonl gets all of them.
local catalogue = require "assay.results.failure_catalogue"
local json = require("assay.native").json
local noise = require "assay.results.parts.noise"
local stored = require "assay.results.stored"
local null, object = json.null, json.object

local failures = {}

-- What an entry says about its variant. It comes from the recipe and the model's fingerprint, never from a file name.
local function variant_facts(variant)
   local data = variant.recipe.data
   local config = (data.quantizer or {}).config or {}
   return object { { "id", variant.id }, { "model", variant.subject.id }, { "quant", data.method },
                   { "bits", config.bits or null }, { "group", config.group_size or null }, { "scheme", variant.recipe.label },
                   { "sha256", variant.subject.fingerprint } }
end

-- Returns { { variant, task, entries }, ... } for every task that stores answers.
function failures.collect(run)
   local out, study = {}, run.study
   stored.each_task(run, function(task, base, others)
      for _, row in ipairs(base.stage.result.outputs and others or {}) do
         local facts = { study = study.name, run = row.variant.model_hash, variant = variant_facts(row.variant), task = task.id,
                         protocol = task:protocol(), seed = study.seed, stable = noise.stable(base.variant, task) }
         out[#out + 1] = { variant = row.variant.id, task = task.id,
                           entries = catalogue.entries(base.stage.result.outputs, row.stage.result.outputs, facts) }
      end
   end)
   return out
end

-- Returns the part for report.json: prevalence and chosen entries only. collected: what failures.collect returned.
function failures.part(collected, seed)
   local out = json.list {}
   for i, one in ipairs(collected) do
      out[i] = object { { "variant", one.variant }, { "task", one.task }, { "items", #one.entries },
                        { "prevalence", json.list(catalogue.prevalence(one.entries)) },
                        { "chosen", json.list(catalogue.select(one.entries, seed)) } }
   end
   return out
end

return failures
