-- Writes what a study ends in: report.json, its renderings, ledger.jsonl; and a summary to stdout.
-- Renderers get report.json as it lies on disk and nothing else.
local native = require "assay.native"
local fs, json, sys = native.fs, native.json, native.sys

local publish = {}

-- Renders report.json of a folder in the given formats; returns the paths written.
function publish.render(folder, formats)
   local path = folder .. "/report.json"
   local text, problem = fs.read(path)
   if not text then error(problem, 0) end
   return require("assay.report").write(json.decode(text, path), folder, formats, fs.write)
end

function publish.write(context, report)
   fs.write(context.folder .. "/report.json", json.encode(report, { indent = 1 }) .. "\n")
   local lines = {}
   for _, entry in ipairs(report.ledger) do lines[#lines + 1] = json.encode(entry) .. "\n" end
   fs.write(context.folder .. "/ledger.jsonl", table.concat(lines))
   return publish.render(context.folder, context.study.report)
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
          bits ~= json.null and ("%.2f"):format(bits) or "-", value, change, verdict)
end

-- A short table on stdout; the report has the rest.
function publish.summary(context, report, written)
   io.write(("%-28s %8s %10s %26s  %s\n"):format("variant", "bits/w", "ppl", "against none, 95 %", "verdict"))
   for i, variant in ipairs(report.variants) do
      io.write(row_text(report, variant, report.verdicts[i].verdict), "\n")
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
