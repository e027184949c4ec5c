-- Writes what a study ends in: report.json, its renderings, ledger.jsonl; and a summary to stdout.
-- Renderers get report.json as it lies on disk and nothing else.
local detectors = require "assay.detectors"
local failures = require "assay.results.failure_catalogue"
local native = require "assay.native"
local text_lint = require "assay.audit.text_lint"
local measure = require "assay.study.stages.measure"
local models = require "assay.study.models"
local fs, json, sys = native.fs, native.json, native.sys

local publish = {}

-- Renders report.json of a folder in the given formats; returns the paths written.
function publish.render(folder, formats)
   local path = folder .. "/report.json"
   local text, problem = fs.read(path)
   if not text then error(problem, 0) end
   local data = json.decode(text, path)
   for _, format in ipairs(formats) do
      for _, file in ipairs(format == "yaml" and require("assay.report.yaml").files(data) or {}) do
         fs.mkdir(folder .. "/" .. file[1]:match "^(.*)/")
         fs.write(folder .. "/" .. file[1], file[2])
      end
   end
   return require("assay.report").write(data, folder, formats)
end

local function lines_of(list)
   local lines = {}
   for i, entry in ipairs(list) do lines[i] = json.encode(entry) .. "\n" end
   return table.concat(lines)
end

-- One record per item: what was asked (as a hash and in full), what came, how it was graded. metrics: name -> scores.
local function samples_of(run_id, variant, task, result)
   local out = {}
   local ids = result.ids or {}
   local protocol = task:protocol()
   for i, output in ipairs(result.outputs or result.choices or {}) do
      local row = json.object { { "run_id", run_id }, { "variant", variant.id }, { "task", task.id },
                                { "protocol_id", protocol.id }, { "doc_id", output.id or ids[i] } }
      for _, key in ipairs { "doc_hash", "prompt_hash", "target_hash", "cluster", "category", "stratum", "prompt", "text",
                             "extracted", "gold", "pred", "lls", "tokens", "finish", "mean_logprob", "no_answer", "grader_tier", "ok" } do
         if output[key] ~= nil then row[key] = output[key] end
      end
      local score = json.object()
      for _, metric in ipairs(task.definition.metrics) do
         local of = (result.metrics or {})[metric.name]
         if of and of.scores[i] then score[metric.name] = of.scores[i] end
      end
      row.score = score
      if output.text then
         local flags = {}
         for id in pairs((detectors.sample(output))) do flags[#flags + 1] = id end
         table.sort(flags)
         row.flags = json.list(flags)
      end
      out[i] = row
   end
   return out
end

-- samples/TASK.SUBJECT.RECIPE.jsonl of every stage with items: raw text is always kept.
local function write_samples(context)
   local folder = context.folder .. "/samples"
   for _, variant in ipairs(context.study:variants()) do
      local run_id = models.hash(context, variant)
      for _, task in ipairs(context.study.tasks) do
         local stage = not context.failed[variant.id] and context.store:find(measure.key(context, variant, task))
         local rows = stage and samples_of(run_id, variant, task, stage.result) or {}
         if #rows > 0 then
            fs.mkdir(folder)
            fs.write(("%s/%s.%s.jsonl"):format(folder, task.id, (variant.id:gsub("/", "."))), lines_of(rows))
         end
      end
   end
end

local function write_failures(context, report)
   local entries, chosen = {}, {}
   for _, part in ipairs(context.failures or {}) do
      for _, entry in ipairs(part.entries) do
         entry.repro_cmd = sys.settings().command -- here alone: the report holds it once
         entries[#entries + 1] = entry
      end
   end
   if #entries == 0 then return end
   fs.write(context.folder .. "/failures.jsonl", lines_of(entries))
   for _, part in ipairs(report.failures) do
      chosen[#chosen + 1] = "## " .. part.variant .. ", " .. part.task .. "\n\n" .. failures.markdown(part.chosen)
   end
   fs.write(context.folder .. "/failures.md", table.concat(chosen, "\n"))
end

-- Damage in the rendered text itself: an expression that nobody filled in, or an encoding read wrongly. Model output is
-- quoted in code blocks there, which are not looked at.
function publish.lint(text)
   local found, fenced = {}, nil
   for line in text:gmatch "[^\n]*" do
      local fence = line:match "^(```+)"
      if fence and not fenced then fenced = fence
      elseif fence and #fence >= #fenced then fenced = nil
      elseif not fenced then
         local damage = text_lint.template(line) or text_lint.mojibake(line)
         if damage then found[#found + 1] = damage end
      end
   end
   return found
end

local function check_text(context)
   local text = fs.read(context.folder .. "/report.md")
   local found = text and publish.lint(text) or {}
   if #found > 0 then
      io.stderr:write(("assay: the report's text has %d places that look damaged, the first '%s'\n"):format(#found, found[1]))
   end
end

function publish.write(context, report)
   fs.write(context.folder .. "/report.json", json.encode(report, { indent = 1 }) .. "\n")
   fs.write(context.folder .. "/ledger.jsonl", lines_of(report.ledger))
   write_samples(context)
   write_failures(context, report)
   local written = publish.render(context.folder, context.study.report)
   check_text(context)
   return written
end

local function of_variant(report, id)
   for _, result in ipairs(report.results) do
      if result.variant == id and result.metric == "ppl" then return result end
   end
end

local function row_text(report, variant, verdict)
   local result = of_variant(report, variant.id)
   local value, change = "-", ""
   if result and result.value ~= json.null then
      value = ("%.3f"):format(result.value)
      local p = result.paired
      if p ~= json.null then
         change = ("%+.1f %% [%+.1f, %+.1f]"):format(100 * (p.estimate - 1), 100 * (p.low - 1),
                                                   100 * (p.high - 1))
      end
   end
   local bits = variant.bits_per_weight
   return ("%-28s %8s %10s %26s  %s"):format(variant.id,
          bits and bits ~= json.null and ("%.2f"):format(bits) or "-", value, change, verdict)
end

-- A short table on stdout; the report has the rest.
function publish.summary(context, report, written)
   io.write(("%-28s %8s %10s %26s  %s\n"):format("variant", "bits/w", "ppl", "against none, 95 %", "verdict"))
   for i, variant in ipairs(report.variants) do
      local judged = report.verdicts[i] -- recipes that are not available come last and have none
      io.write(row_text(report, variant, judged and judged.verdict or (variant.status:gsub("_", " "))), "\n")
   end
   for _, subject in ipairs(report.subjects) do
      if subject.provenance_note ~= "" then io.write("note: ", subject.provenance_note, "\n") end
   end
   for _, gate in ipairs(report.gates) do
      if gate.status == "fail" then io.write(("gate %s (%s): %s\n"):format(gate.id, gate.status, gate.message)) end
   end
   local stored = context.n_stored > 0 and (", %d stages were there already"):format(context.n_stored) or ""
   io.write(("%s%s\nreport: %s\n"):format(sys.duration(report.times.seconds), stored,
                                         table.concat(written, "  ")))
end

return publish
