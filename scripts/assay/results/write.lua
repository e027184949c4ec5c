-- Writes the result files of a study: report.json, its renderings, the ledger, the samples (answers item by item) and the failure
-- catalogue. Renderers read only the written report.json.
local catalogue = require "assay.results.failure_catalogue"
local detectors = require "assay.detectors"
local native = require "assay.native"
local text_lint = require "assay.audit.text_lint"
local fs, json, sys = native.fs, native.json, native.sys

local write = {}

-- Renders report.json of a folder in the given formats; returns the paths written.
function write.render(folder, formats)
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

local function lines_of(rows)
   local lines = {}
   for i, row in ipairs(rows) do lines[i] = json.encode(row) .. "\n" end
   return table.concat(lines)
end

-- ---- samples ---------------------------------------------------------------------------------------

local SAMPLE_KEYS <const> = { "doc_hash", "prompt_hash", "target_hash", "cluster", "category", "stratum", "prompt", "text",
   "extracted", "gold", "pred", "lls", "tokens", "finish", "mean_logprob", "no_answer", "grader_tier", "ok" }

local function flags_of(output)
   local flags = json.list {}
   for id in pairs((detectors.sample(output))) do flags[#flags + 1] = id end
   table.sort(flags)
   return flags
end

-- One record for each item: the question (hash and full text), the answer, and how it was graded.
local function samples_of(variant, task, result)
   local out, protocol = {}, task:protocol()
   for i, output in ipairs(result.outputs or result.choices or {}) do
      local row = json.object { { "run_id", variant.model_hash }, { "variant", variant.id }, { "task", task.id },
                                { "protocol_id", protocol.id }, { "doc_id", output.id or (result.ids or {})[i] } }
      for _, key in ipairs(SAMPLE_KEYS) do
         if output[key] ~= nil then row[key] = output[key] end
      end
      local score = json.object()
      for _, metric in ipairs(task.definition.metrics) do
         local of = (result.metrics or {})[metric.name]
         if of and of.scores[i] then score[metric.name] = of.scores[i] end
      end
      row.score = score
      if output.text then row.flags = flags_of(output) end
      out[i] = row
   end
   return out
end

-- Writes samples/TASK.SUBJECT.RECIPE.jsonl for every measured task with items. The raw text of every answer is in it.
local function write_samples(run, folder)
   for _, variant in ipairs(run.variants) do
      for _, task in ipairs(variant.problem and {} or run.study.tasks) do
         local stage = variant.measured[task.id]
         local rows = stage and samples_of(variant, task, stage.result) or {}
         if #rows > 0 then
            fs.mkdir(folder .. "/samples")
            fs.write(("%s/samples/%s.%s.jsonl"):format(folder, task.id, (variant.id:gsub("/", "."))), lines_of(rows))
         end
      end
   end
end

-- ---- the failure catalogue -------------------------------------------------------------------------

-- entries: all entries, as assemble.lua returns them, for failures.jsonl. failures.md gets only those that the report shows.
local function write_failures(report, entries, folder)
   local lines, chosen = {}, {}
   for _, part in ipairs(entries) do lines[#lines + 1] = catalogue.jsonl(part.entries, sys.settings().command) end
   if table.concat(lines) == "" then return end
   fs.write(folder .. "/failures.jsonl", table.concat(lines))
   for i, part in ipairs(report.failures) do
      chosen[i] = "## " .. part.variant .. ", " .. part.task .. "\n\n" .. catalogue.markdown(part.chosen)
   end
   fs.write(folder .. "/failures.md", table.concat(chosen, "\n"))
end

-- ---- the rendered text -----------------------------------------------------------------------------

-- Returns the damaged places of a rendered Markdown text: an expression that nobody filled in, or text that was read in the wrong
-- encoding. Model output is in code blocks, which are not searched.
function write.lint(text)
   local found, open_fence = {}, nil
   for line in text:gmatch "[^\n]*" do
      local fence = line:match "^(```+)"
      if fence and not open_fence then
         open_fence = fence
      elseif fence and #fence >= #open_fence then
         open_fence = nil
      elseif not open_fence then
         local damage = text_lint.template(line) or text_lint.mojibake(line)
         if damage then found[#found + 1] = damage end
      end
   end
   return found
end

local function check_text(folder)
   local text = fs.read(folder .. "/report.md")
   local found = text and write.lint(text) or {}
   if #found > 0 then
      io.stderr:write(("assay: the report's text has %d places that look damaged, the first '%s'\n"):format(#found, found[1]))
   end
end

-- run: from stored.collect; report, entries: from assemble.lua. Returns the paths of the renderings.
function write.all(run, report, entries, folder)
   fs.write(folder .. "/report.json", json.encode(report, { indent = 1 }) .. "\n")
   fs.write(folder .. "/ledger.jsonl", lines_of(report.ledger))
   write_samples(run, folder)
   write_failures(report, entries, folder)
   local written = write.render(folder, run.study.report)
   check_text(folder)
   return written
end

return write
