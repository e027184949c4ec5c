-- Prints the result of a study on the terminal: one table for each primary metric, with the change against the untouched model and
-- the verdict of every variant. The report has all else.
local native = require "assay.native"
local without_nulls = require "assay.lib.without_nulls"
local sys = native.sys

-- Columns: { heading, align ("-" = left), least width }.
local VARIANT <const>, BITS <const> = { "variant", "-", 28 }, { "bits/w", "", 8 }

-- Prints rows of texts under their headings. The last column is not padded.
local function print_table(columns, rows)
   local widths = {}
   for i, column in ipairs(columns) do
      widths[i] = math.max(column[3], utf8.len(column[1]))
      for _, row in ipairs(rows) do widths[i] = math.max(widths[i], utf8.len(row[i]) or #row[i]) end
   end
   local function line(cells)
      local out = {}
      for i, text in ipairs(cells) do
         local pad = (" "):rep(widths[i] - (utf8.len(text) or #text))
         out[i] = i == #cells and " " .. text or columns[i][2] == "-" and text .. pad or pad .. text
      end
      io.write(table.concat(out, " "), "\n")
   end
   local head = {}
   for i, column in ipairs(columns) do head[i] = column[1] end
   line(head)
   for _, row in ipairs(rows) do line(row) end
end

local function value_text(result)
   if not result.value then return result.reason or "not measured" end
   if result.unit ~= "fraction" then return ("%.3f"):format(result.value) end
   local counts = result.counts or {}
   return (counts.correct and counts.correct .. "/" .. counts.items .. " = " or "") .. ("%.1f %%"):format(100 * result.value)
end

-- "+8.3 % [+7.9, +8.7]" for ratios, "-1.9 pp [-3.5, -0.3]" for differences.
local function change_text(paired)
   if not paired then return "" end
   local is_ratio = paired.quantity == "ratio"
   local function shown(x) return is_ratio and 100 * (x - 1) or x end
   return ("%+.1f %s [%+.1f, %+.1f]"):format(shown(paired.estimate), is_ratio and "%" or paired.unit or "", shown(paired.low),
                                             shown(paired.high))
end

local function bits_text(variant) return variant.bits_per_weight and ("%.2f"):format(variant.bits_per_weight) or "-" end

local function status_text(variant) return (variant.status:gsub("_", " ")) end

-- The result of a variant for a claim (a primary metric); nil if it was not measured.
local function result_of(report, claim, variant)
   for _, result in ipairs(report.results) do
      if result.variant == variant.id and result.task == claim.task and result.metric == claim.metric then return result end
   end
end

-- Prints the table of one primary metric (claim). words: { [variant id] = verdict } of whole variants, which is given only if the study
-- has one primary metric. Without `words` each row shows the verdict of its own result.
local function print_claim(report, claim, words)
   local rows = {}
   for i, variant in ipairs(report.variants) do
      local result = result_of(report, claim, variant)
      local word = words and words[variant.id] or not words and result and result.verdict or status_text(variant)
      if word == "worse" and result and result.within_margin then word = "worse, within margin" end
      rows[i] = { variant.id, bits_text(variant), result and value_text(result) or "-", result and change_text(result.paired) or "",
                  word }
   end
   local level = 95
   for _, result in ipairs(report.results) do
      if result.paired then level = math.floor(100 * result.paired.level + 0.5) end
   end
   print_table({ VARIANT, BITS, { claim.metric, "", 10 }, { ("against none, %d %%"):format(level), "", 26 }, { "verdict", "-", 0 } },
               rows)
end

local function title_of(report, claim)
   for _, task in ipairs(report.tasks) do
      if task.id == claim.task then return task.title .. ": " .. claim.metric end
   end
end

local function print_verdicts(report, words)
   local rows = {}
   for i, variant in ipairs(report.variants) do
      rows[i] = { variant.id, bits_text(variant), words[variant.id] or status_text(variant) }
   end
   print_table({ VARIANT, BITS, { "verdict", "-", 0 } }, rows)
end

local function print_tables(report)
   local words, claims = {}, report.study.primary
   for _, one in ipairs(report.verdicts) do words[one.variant] = one.verdict end -- a recipe that is not available has no verdict
   if #claims == 1 then return print_claim(report, claims[1], words) end
   for _, claim in ipairs(claims) do
      io.write(title_of(report, claim), "\n")
      print_claim(report, claim)
      io.write "\n"
   end
   if #claims > 1 then io.write "over all of these\n" end
   print_verdicts(report, words)
end

-- given: the report; written: paths of its renderings; n_stored: number of stages that an earlier run had finished.
return function(given, written, n_stored)
   local report = without_nulls(given)
   print_tables(report)
   for _, subject in ipairs(report.subjects) do
      if subject.provenance_note ~= "" then io.write("note: ", subject.provenance_note, "\n") end
   end
   for _, gate in ipairs(report.gates) do
      if gate.status == "fail" then io.write(("gate %s (%s): %s\n"):format(gate.id, gate.status, gate.message)) end
   end
   local stored = n_stored > 0 and (", %d stages were there already"):format(n_stored) or ""
   io.write(("%s%s\nreport: %s\n"):format(sys.duration(report.times.seconds), stored, table.concat(written, "  ")))
end
