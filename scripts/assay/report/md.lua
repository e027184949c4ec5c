-- Renders report.md: most tables of the HTML page, in the same words, without pictures. view/ chooses the numbers, format.lua rounds them.

local escape = require "assay.report.escape"
local failures = require "assay.results.failure_catalogue"
local format = require "assay.report.format"
local tables = require "assay.report.tables"
local view = require "assay.report.view"
local words = require "assay.report.words"

local esc <const> = escape.markdown

local function table_of(headers, rows)
   local out = { "| " .. table.concat(headers, " | ") .. " |", "|" .. (" --- |"):rep(#headers) }
   for _, row in ipairs(rows) do out[#out + 1] = "| " .. table.concat(row, " | ") .. " |" end
   return table.concat(out, "\n") .. "\n"
end

local function join(...)
   local parts = {}
   for _, part in ipairs { ... } do if part ~= "" then parts[#parts + 1] = part end end
   return esc(table.concat(parts, " "))
end

-- Returns a function that renders a table of tables/ as a section; nil if the table is empty. make: the table's function.
local function section(title, make)
   return function(v)
      local t = make(v)
      if not t then return end
      local headers, rows = {}, {}
      for i, header in ipairs(t.headers) do headers[i] = esc(header) end
      for i, row in ipairs(t.rows) do
         rows[i] = {}
         for k, text in ipairs(row) do rows[i][k] = esc(text) end
      end
      return "## " .. title .. "\n\n" .. (t.hint and esc(t.hint) .. "\n\n" or "")
         .. (#rows > 0 and table_of(headers, rows) or "")
   end
end

local function catalogue(v)
   local out = {}
   for _, part in ipairs(v.report.failures or {}) do
      if #(part.chosen or {}) > 0 then
         out[#out + 1] = "### " .. esc(v:label(part.variant)) .. (part.task and ", " .. esc(part.task) or "") .. "\n\n"
            .. failures.markdown(part.chosen)
      end
   end
   return #out > 0 and "## Failure catalogue\n\nThe worst answers of each symptom, and lost, gained, equal and other answers drawn by a seed. "
      .. "All answers are in failures.jsonl.\n\n" .. table.concat(out, "\n\n")
end

local function opening(v)
   local study = v.report.study
   local out = { "# " .. esc(study.title or study.name or "Untitled study") }
   if study.question then out[#out + 1] = esc(study.question) end
   if v.report.example then
      out[#out + 1] = "> **Example data.** The numbers in this report are invented; they test how a report looks."
   end
   for _, note in ipairs(v:notes()) do
      out[#out + 1] = "> **About " .. esc(note.subject) .. ":** " .. esc(note.text)
         .. ". Losses below are losses against these weights."
   end
   return table.concat(out, "\n\n")
end

local function verdicts(v)
   local out = {}
   for _, row in ipairs(v:card()) do
      out[#out + 1] = "- **" .. esc(row.label) .. "**: " .. esc(row.short) .. ". " .. esc(words.sentence(row.finding))
         .. (row.size ~= "" and " " .. esc(row.size) .. "." or "")
   end
   return "## Verdicts\n\n" .. table.concat(out, "\n") .. "\n\n" .. esc(v:gate_sentence()) .. "."
end

local function results(v)
   local out = {}
   for _, group in ipairs(v:groups()) do
      local rows = {}
      for _, row in ipairs(v:result_rows(group)) do
         rows[#rows + 1] = { esc(row.label), join(row.value, row.range), join(row.change, row.change_range), row.bits,
            esc(row.disk), esc(row.memory), esc(row.flips), esc(row.p), esc(row.mde), esc(row.short) }
      end
      local title = view.group_title(group)
      local protocol = group.task.protocol and ", protocol `" .. group.task.protocol.id .. "`" or ""
      out[#out + 1] = "### " .. esc(title) .. "\n\n" .. esc(view.basis(group)) .. protocol .. ".\n\n"
         .. table_of({ "variant", esc(words.metric(group.metric)), "change to none", "bits per weight", "on disk",
            "in memory", "lost / gained", "p, adjusted", "smallest visible", "verdict" }, rows)
      local trivial = view.baselines(group)
      if trivial ~= "" then out[#out + 1] = "Without any model: " .. esc(trivial) .. "." end
      for _, result in ipairs(group.results) do
         if result.paired then
            local test = words.test(result.paired)
            out[#out + 1] = "Interval of the change: " .. esc(result.paired.method) .. ", level "
               .. format.percent(result.paired.level, 0) .. "." .. (test and " p: " .. esc(test) .. "." or "")
            break
         end
      end
   end
   return #out > 0 and "## Results\n\n" .. table.concat(out, "\n\n")
end

local function layers(v)
   local rows = {}
   for _, grid in ipairs(v:layer_grids()) do
      rows[#rows + 1] = { esc(grid.label), format.significant(grid.mean, 3), format.significant(grid.low, 3),
         format.significant(grid.high, 3), "`" .. grid.worst.name .. "`" }
   end
   return #rows > 0 and "## Where the error sits\n\nRelative error of each linear's weights, ‖W − Q‖ / ‖W‖.\n\n"
      .. table_of({ "variant", "mean", "smallest", "largest", "largest in" }, rows)
end

local function generations(v)
   local out = {}
   for _, item in ipairs(v.report.generations) do
      out[#out + 1] = "### " .. esc(item.prompt_id) .. (item.category and " (" .. esc(item.category) .. ")" or "")
         .. "\n\n" .. escape.fence(item.prompt or "")
      for _, output in ipairs(item.outputs or {}) do
         out[#out + 1] = "**" .. esc(v:label(output.variant)) .. "**, " .. esc(v:output_note(output)) .. "\n\n"
            .. escape.fence(output.text or "")
      end
   end
   return #out > 0 and "## Answers side by side\n\n" .. table.concat(out, "\n\n")
end

local function validity(v)
   local rows = {}
   for _, gate in ipairs(v.report.gates) do
      rows[#rows + 1] = { esc(gate.id), esc(gate.title or ""), esc(words.gate_status(gate.status)),
         esc(gate.scope and v:label(gate.scope) or "study"), esc(gate.evidence or ""), esc(gate.message or "") }
   end
   return #rows > 0 and "## Validity\n\n" .. table_of({ "check", "what", "result", "scope", "evidence", "note" }, rows)
end

local function resources(v)
   local headers, rows = v:resource_rows()
   for _, row in ipairs(rows) do for i, text in ipairs(row) do row[i] = esc(text) end end
   if #rows == 0 then return end
   local out = "## Time and memory\n\nThe only numbers of this report that change from run to run.\n\n" .. table_of(headers, rows)
   local runtimes = v:runtime_rows()
   for _, row in ipairs(runtimes) do for i, text in ipairs(row) do row[i] = esc(text) end end
   if #runtimes > 0 then
      out = out .. "\n\nHow the tasks ran each variant: packed (from its codes as they are stored) or dequantized (from floats):\n\n"
         .. table_of({ "variant", "evaluated" }, runtimes)
   end
   local packed_headers, packed = v:packed_rows()
   for _, row in ipairs(packed) do for i, text in ipairs(row) do row[i] = esc(text) end end
   return out .. (#packed > 0 and "\n\nRun from the stored codes (packed) and from float32 weights (dequantized):\n\n"
      .. table_of(packed_headers, packed) or "")
end

local function ledger(v)
   local rows = {}
   for _, entry in ipairs(v.report.ledger) do
      rows[#rows + 1] = { esc(entry.event or "note"), esc(entry.variant and v:label(entry.variant) or "study"),
         esc(entry.layer or ""), esc(entry.message or "") }
   end
   return #rows > 0 and "## Ledger\n\nEvery fallback, skip and repair of the run.\n\n"
      .. table_of({ "event", "variant", "layer", "what" }, rows)
end

local function setup(v)
   local out = {}
   for _, card in ipairs(v:cards()) do
      local lines = {}
      for _, item in ipairs(card[2]) do lines[#lines + 1] = "- " .. esc(item[1]) .. ": " .. esc(item[2]) end
      if #lines > 0 then out[#out + 1] = "### " .. esc(card[1]) .. "\n\n" .. table.concat(lines, "\n") end
   end
   return "## What was measured\n\n" .. table.concat(out, "\n\n")
end

local function reproduction(v)
   local study = v.report.study
   return study.command and "## Reproduce\n\n" .. escape.fence(study.command)
      .. (study.sha256 and "\n\nStudy file `" .. study.file .. "`, SHA-256 `" .. study.sha256 .. "`, seed "
         .. tostring(study.seed) .. "." or "")
end

return function(data)
   local v = view.open(data)
   local out = {}
   for _, make in ipairs { opening, verdicts, section("What was declared", tables.declared), results,
      section("Distance to the untouched model", tables.distance), section("Divergence by confidence", tables.confidence),
      section("Change of the right token's probability", tables.delta_p), section("Changed answers", tables.changed),
      section("Base and tuned", tables.interaction),
      section("Decision guide", tables.decision), layers, generations, catalogue, validity,
      section("Noise between two runs", function(opened) return tables.noise(opened, true) end),
      section("What was measured of each variant", tables.completeness),
      section("What limits these conclusions", tables.threats), resources, ledger, section("Methods", tables.methods), setup,
      reproduction } do
      local part = make(v)
      if part then out[#out + 1] = part end
   end
   return table.concat(out, "\n\n") .. "\n"
end
