-- What the stored answers of a study show: signs of breakage per variant, label bias, length, identity between variants,
-- the failure catalogue, and which variants have collapsed. Reads stages and the assembled report; measures nothing.
-- Not the detectors themselves (assay.detectors) nor the guardrails (assay.audit).
local compare = require "assay.detectors.compare"
local detectors = require "assay.detectors"
local failures = require "assay.results.failure_catalogue"
local native = require "assay.native"
local noise = require "assay.study.stages.repeat_run"
local variants = require "assay.study.variant"
local json = native.json
local null = json.null

local evidence = {}

local function object(fields) return json.object(fields) end

-- Per subject and task: reference stage and the others, in order. measured as in record.lua.
local function each_task(context, measured, body)
   for _, task in ipairs(context.study.tasks) do
      for _, subject in ipairs(context.study.subjects) do
         local rows = measured(context, task, subject)
         if rows[1] and rows[1].variant.none then body(task, rows[1], table.move(rows, 2, #rows, 1, {})) end
      end
   end
end

-- ---- signs of breakage ---------------------------------------------------------------------------

local worst_first <const> = { ok = 1, flag = 2, invalid = 3 }

-- Adds a row to the table of variant and sign; several tasks are summed, the worst status wins.
local function merge(found, variant, row, task)
   local key = variant .. "\0" .. row.id
   local kept = found.by[key]
   if not kept then
      kept = object { { "variant", variant }, { "id", row.id }, { "title", row.title or detectors.title(row.id) },
                      { "count", 0 }, { "items", 0 }, { "base_count", 0 }, { "base_items", 0 }, { "status", "ok" } }
      kept.tasks, found.by[key] = json.list {}, kept
      found.list[#found.list + 1] = kept
   end
   for _, name in ipairs { "count", "items", "base_count", "base_items" } do
      kept[name] = kept[name] + (row[name] or 0)
   end
   if worst_first[row.status] > worst_first[kept.status] then kept.status = row.status end
   if row.text then kept.text = (kept.text and kept.text .. "; " or "") .. row.text end
   kept.tasks[#kept.tasks + 1] = task
end

local function predictions(result)
   local predicted, gold = {}, {}
   for i, one in ipairs(result.choices or {}) do predicted[i], gold[i] = one.pred, one.gold end
   return predicted, gold
end

local function extracted(result)
   local answers, golds = {}, {}
   for i, output in ipairs(result.outputs or {}) do
      answers[i] = output.extracted or output.no_answer and "" or nil
      golds[i] = output.gold or ""
      if answers[i] == nil then return nil end
   end
   return answers, golds
end

-- F14 on choices: one label too often, or recalls that spread more than the untouched model's.
local function label_row(own, base)
   local predicted, gold = predictions(own)
   if #predicted == 0 then return nil end
   local found, before = compare.label_bias(predicted, gold), compare.label_bias(predictions(base))
   local biased = found.status == "flag" and found.share > before.share + 0.1
                  or found.recall_spread > before.recall_spread + 0.10
   return { id = "F14", title = "one label too often", count = math.floor(found.share * #predicted + 0.5),
            items = #predicted, base_count = math.floor(before.share * #predicted + 0.5), base_items = #predicted,
            status = biased and "flag" or "ok" }
end

local function constant_row(own, base)
   local answers, golds = extracted(own)
   if not answers or #answers == 0 then return nil end
   local found, before = compare.constant_answer(answers, golds), compare.constant_answer(extracted(base))
   return { id = "F15", title = "the same answer again and again", count = math.floor(found.share * #answers + 0.5),
            items = #answers, base_count = math.floor(before.share * #answers + 0.5), base_items = #answers,
            status = found.status == "flag" and before.status ~= "flag" and "flag" or "ok" }
end

local function length_row(own, base)
   local found = compare.length_drift(own.outputs, base.outputs)
   if not found.ratio then return nil end
   return { id = "F17", title = "another length", count = found.status == "flag" and 1 or 0, items = 1, base_items = 1,
            status = found.status, text = ("median %g tokens against %g"):format(found.median, found.base_median) }
end

local function divergence_row(own, base)
   local found = compare.divergence(own.outputs, base.outputs)
   return { id = "F23", title = "other words than the untouched model", count = found.items - found.identical,
            items = found.items, base_items = found.items, status = "ok",
            text = found.median_first_divergence
                   and ("median likeness %.2f, parts at token %g"):format(found.median_rouge_l, found.median_first_divergence)
                   or nil }
end

-- F16 where one text is graded strictly and by its last number: right answers that are not in the asked form. A gap that
-- grows is a loss of format, not of mathematics.
local function format_row(own, base)
   local function gap(result)
      local strict, flexible = (result.metrics or {}).strict, (result.metrics or {}).flexible
      if not (strict and flexible) then return nil end
      local n = 0
      for i, score in ipairs(flexible.scores) do if score == 1 and strict.scores[i] == 0 then n = n + 1 end end
      return n, #flexible.scores
   end
   local count, items = gap(own)
   local base_count, base_items = gap(base)
   if not (count and base_count) or items == 0 or base_items == 0 then return nil end
   local share, before = count / items, base_count / base_items
   return { id = "F16", title = "no answer in the asked form", count = count, items = items, base_count = base_count,
            base_items = base_items, status = share > before + 0.05 and "flag" or "ok",
            text = ("right but not in the strict form: %.1f %% against %.1f %%"):format(100 * share, 100 * before) }
end

local function rows_of(own, base)
   local rows = {}
   if own.outputs and base.outputs and #own.outputs > 0 then
      rows = compare.rates(own.outputs, base.outputs)
      rows[#rows + 1] = length_row(own, base)
      rows[#rows + 1] = divergence_row(own, base)
   end
   rows[#rows + 1] = format_row(own, base)
   rows[#rows + 1] = label_row(own, base)
   rows[#rows + 1] = constant_row(own, base)
   return rows
end

function evidence.detectors(context, measured)
   local found = { by = {}, list = json.list {} }
   each_task(context, measured, function(task, base, others)
      for _, row in ipairs(others) do
         for _, sign in ipairs(rows_of(row.stage.result, base.stage.result)) do
            merge(found, row.variant.id, sign, task.id)
         end
      end
   end)
   table.sort(found.list, function(a, b)
      if a.id ~= b.id then return a.id < b.id end
      return a.variant < b.variant
   end)
   return found.list
end

-- ---- variants that are one another's copies ------------------------------------------------------

local function texts_of(result)
   local texts = {}
   for i, output in ipairs(result.outputs or result.choices or {}) do
      texts[i] = { text = output.text or tostring(output.pred) }
   end
   return texts
end

-- F20: pairs of quantized variants with equal outputs that differ from the untouched model's.
function evidence.identity(context, measured)
   local out = json.list {}
   each_task(context, measured, function(task, base, others)
      local reference = texts_of(base.stage.result)
      for i, a in ipairs(#reference >= 10 and others or {}) do
         for k = i + 1, #others do
            local found = compare.identity(texts_of(a.stage.result), texts_of(others[k].stage.result), reference)
            if found.status == "invalid" then
               out[#out + 1] = object { { "a", a.variant.id }, { "b", others[k].variant.id }, { "task", task.id },
                                        { "identical_share", found.identical_share }, { "differs_from_base", true } }
            end
         end
      end
   end)
   return out
end

-- Mean tokens of an answer, for the guardrails on length and on broken baselines; over tasks that ask for more than a letter
-- or a span, whose right answers have few tokens.
function evidence.resources(context, measured)
   local sums, order = {}, {}
   for _, variant in ipairs(context.study:variants()) do
      order[#order + 1], sums[variant.id] = variant.id, { 0, 0 }
   end
   local function add(row)
      for _, output in ipairs(row.stage.result.outputs or {}) do
         local sum = sums[row.variant.id]
         sum[1], sum[2] = sum[1] + output.tokens, sum[2] + 1
      end
   end
   each_task(context, measured, function(task, base, others)
      if task.definition.short_answers then return end
      add(base)
      for _, row in ipairs(others) do add(row) end
   end)
   local out = json.list {}
   for _, id in ipairs(order) do
      if sums[id][2] > 0 then
         out[#out + 1] = object { { "variant", id }, { "tokens_per_item", sums[id][1] / sums[id][2] },
                                  { "items", sums[id][2] } }
      end
   end
   return out
end

-- Output lengths as a curve per variant and task: { share, tokens }, with the limit.
function evidence.lengths(context, measured)
   local out = json.list {}
   each_task(context, measured, function(task, base, others)
      for _, row in ipairs { base, table.unpack(others) } do
         local lengths = {}
         for i, output in ipairs(row.stage.result.outputs or {}) do lengths[i] = output.tokens end
         table.sort(lengths)
         local curve = json.list {}
         for i = 0, #lengths >= 5 and 20 or -1 do
            local place = math.floor(i / 20 * (#lengths - 1)) + 1
            curve[#curve + 1] = json.list { lengths[place], i / 20 }
         end
         if #curve > 0 then
            out[#out + 1] = object { { "variant", row.variant.id }, { "task", task.id }, { "items", #lengths },
                                     { "cap", task.options.max_tokens }, { "curve", curve } }
         end
      end
   end)
   return out
end

local letters <const> = { "A", "B", "C", "D", "E" }

local function counted(values)
   local counts, places = {}, json.object()
   for _, value in ipairs(values) do counts[value] = (counts[value] or 0) + 1 end
   for value = 1, #letters do if counts[value] then places[letters[value]] = counts[value] end end
   return places
end

-- Predicted places of the choice tasks beside the right ones.
function evidence.labels(context, measured)
   local out = json.list {}
   each_task(context, measured, function(task, base, others)
      for i, row in ipairs { base, table.unpack(others) } do
         local predicted, gold = predictions(row.stage.result)
         if #predicted > 0 then
            if i == 1 then
               out[#out + 1] = object { { "variant", null }, { "task", task.id }, { "counts", counted(gold) } }
            end
            out[#out + 1] = object { { "variant", row.variant.id }, { "task", task.id }, { "counts", counted(predicted) } }
         end
      end
   end)
   return out
end

-- ---- the failure catalogue -----------------------------------------------------------------------

-- What a catalogue says of a variant: from its recipe and the model's fingerprint, never from a name.
local function variant_facts(context, variant)
   local data = variant.recipe.data
   local config = (data.quantizer or {}).config or {}
   return object { { "id", variant.id }, { "model", variant.subject.id }, { "quant", data.method },
                   { "bits", config.bits or null }, { "group", config.group_size or null }, { "scheme", variant.recipe.label },
                   { "sha256", variants.fingerprint(context, variant.subject) } }
end

-- All entries, for failures.jsonl: { { variant, task, entries }, ... }.
function evidence.failures(context, measured)
   local out = {}
   each_task(context, measured, function(task, base, others)
      for _, row in ipairs(base.stage.result.outputs and others or {}) do
         out[#out + 1] = { variant = row.variant.id, task = task.id,
                           entries = failures.entries(base.stage.result.outputs, row.stage.result.outputs, {
                              study = context.study.name, run = variants.model_hash(context, row.variant),
                              variant = variant_facts(context, row.variant), task = task.id,
                              protocol = task:protocol(), seed = context.study.seed,
                              stable = noise.stable(context, base.variant, task) }) }
      end
   end)
   return out
end

-- The part of report.json: prevalence and the chosen entries, short enough for a page.
function evidence.catalogue(parts, seed)
   local out = json.list {}
   for _, part in ipairs(parts) do
      out[#out + 1] = object { { "variant", part.variant }, { "task", part.task }, { "items", #part.entries },
                               { "prevalence", json.list(failures.prevalence(part.entries)) },
                               { "chosen", json.list(failures.select(part.entries, seed)) } }
   end
   return out
end

-- ---- collapse ------------------------------------------------------------------------------------

local function at_trivial(report, subject_none, variant)
   local function trivial_tasks(id)
      local found = {}
      for _, result in ipairs(report.results) do
         local counts = result.counts
         if result.variant == id and result.primary and result.direction ~= "lower" and counts.correct then
            local baselines = {}
            for _, task in ipairs(report.tasks) do
               for _, one in ipairs(task.id == result.task and task.baselines or {}) do
                  if one.metric == null or one.metric == result.metric then baselines[#baselines + 1] = one end
               end
            end
            found[result.task] = detectors.compare.at_trivial(counts.correct, counts.items, baselines).status == "flag"
         end
      end
      return found
   end
   local base, own, lost, n = trivial_tasks(subject_none), trivial_tasks(variant), {}, 0
   for task, is in pairs(own) do
      if base[task] == false then n = n + 1 end
      if is and base[task] == false then lost[#lost + 1] = task end
   end
   table.sort(lost)
   return lost, n
end

-- F21 and the rule over all signs. Sets `collapsed` of each variant that has, with a blocking gate: it gets no verdict, only the diagnosis.
function evidence.collapse(report)
   for _, variant in ipairs(report.variants) do
      if variant.recipe ~= null and variant.recipe ~= nil then
         local facts = { rates = {} }
         for _, row in ipairs(report.detectors or {}) do
            if row.variant == variant.id then facts.rates[#facts.rates + 1] = row end
         end
         for _, row in ipairs(report.distance or {}) do
            if row.variant == variant.id then facts.kld_mean = math.max(facts.kld_mean or 0, row.kld_mean) end
         end
         for _, result in ipairs(report.results) do
            local p = result.paired
            if result.variant == variant.id and p ~= null and p.quantity == "ratio" then
               facts.ppl_ratio = math.max(facts.ppl_ratio or 0, p.estimate)
            end
         end
         local lost, n_tasks = at_trivial(report, variant.subject .. "/none", variant.id)
         facts.tasks_at_trivial = #lost
         if n_tasks > 0 then
            report.detectors[#report.detectors + 1] = object {
               { "variant", variant.id }, { "id", "F21" }, { "title", "a score that needs no model" }, { "count", #lost },
               { "items", n_tasks }, { "base_count", 0 }, { "base_items", n_tasks },
               { "status", #lost > 0 and "flag" or "ok" }, { "tasks", json.list(lost) } }
         end
         local reasons = detectors.collapse(facts)
         if #reasons > 0 then variant.collapsed = json.list(reasons) end
         report.gates[#report.gates + 1] = object {
            { "id", "COLLAPSE" }, { "title", "the variant is not collapsed" }, { "severity", "block" },
            { "status", #reasons > 0 and "fail" or "pass" }, { "scope", variant.id },
            { "evidence", #reasons > 0 and table.concat(reasons, "; ") or "none of the signs" },
            { "message", #reasons > 0 and "a collapsed variant gets no verdict per task, only this diagnosis" or "" } }
      end
   end
end

return evidence
