-- Renders the sections of report.html with results, sizes, layers, validity, times and set-up. Each section is a function that takes the
-- view (../view/) and returns markup, or nil if there is nothing to show. A group is here a group of results: those of one task, metric
-- and subset (view/results.lua). One result table shows one group.

local escape = require "assay.report.escape"
local format = require "assay.report.format"
local measures = require "assay.report.html.measures"
local svg = require "assay.report.html.svg"
local view = require "assay.report.view"
local words = require "assay.report.words"

local sections = {}
local esc <const> = escape.html

-- A short word in a coloured box. tone: good, bad, open or plain; it picks the colour.
local function chip(tone, short) return '<span class="chip ' .. tone .. '">' .. esc(short) .. "</span>" end

local function cell(content, class) return "<td" .. (class and ' class="' .. class .. '"' or "") .. ">" .. content
   .. "</td>" end

local function with_range(value, range) return esc(value) .. (range ~= "" and '<span class="range">' .. esc(range)
   .. "</span>" or "") end

-- A table. headers: texts or { text, class }. On a phone the cells of a row are put one below the other, except in a `wide` table,
-- which has too many columns for that.
local function table_of(headers, rows, wide)
   local out = { wide and '<div class="scroll"><table>' or '<div class="scroll"><table class="rows">', "<thead><tr>" }
   for _, header in ipairs(headers) do
      local class = type(header) == "table" and header[2]
      out[#out + 1] = '<th scope="col"' .. (class and ' class="' .. class .. '"' or "") .. ">"
         .. esc(type(header) == "table" and header[1] or header) .. "</th>"
   end
   out[#out + 1] = "</tr></thead><tbody>"
   for _, row in ipairs(rows) do
      out[#out + 1] = "<tr>"
      for i, content in ipairs(row) do
         local header = headers[i]
         local head = type(header) == "table" and header[1] or header or ""
         out[#out + 1] = wide and content or (content:gsub("^<td", '<td data-head="' .. esc(head):gsub("%%", "%%%%") .. '"', 1))
      end
      out[#out + 1] = "</tr>"
   end
   out[#out + 1] = "</tbody></table></div>\n"
   return table.concat(out)
end

function sections.verdicts(v)
   local out = { '<div class="card verdicts">' }
   for _, row in ipairs(v:card()) do
      out[#out + 1] = '<div class="verdict"><div>' .. chip(row.tone, row.short) .. '</div><div class="name">'
         .. esc(row.label) .. "</div><div>"
         .. esc(words.sentence(row.finding)) .. '<span class="size">' .. esc(row.size)
            .. "</span></div></div>"
   end
   out[#out + 1] = '</div><p class="checks">' .. esc(v:gate_sentence()) .. ".</p>\n"
   return table.concat(out)
end

-- A number of a paired comparison as the picture of intervals shows it: in percent for ratios, else the value itself.
local function drawn(paired, key)
   if paired.quantity == "ratio" then return 100 * (paired[key] - 1) end
   return paired[key]
end

-- The axis that all interval pictures of a result table share, and the margin in its unit (nil for exploratory metrics).
local function forest_scale(group)
   local values, margin = {}, nil
   for _, result in ipairs(group.results) do
      if result.paired then for _, key in ipairs { "low", "high" } do values[#values + 1] = drawn(result.paired,
         key) end end
   end
   if group.margin then
      margin = group.margin.unit == "ratio" and 100 * (group.margin.margin - 1) or group.margin.margin
      values[#values + 1] = margin
      values[#values + 1] = -margin
   end
   return svg.change_scale(values, margin or 1), margin
end

local function any(rows, key)
   for _, row in ipairs(rows) do if row[key] ~= "" then return true end end
   return false
end

-- One picture for each variant: its change of the cross-entropy in each window of the text. They are in a closed <details> element.
local function window_strips(v, group)
   local base
   for _, result in ipairs(group.results) do if not result.paired then base = base or result.series end end
   if not base then return "" end
   local out = {}
   for _, result in ipairs(group.results) do
      local series = result.paired and result.series
      if series and #series.values == #base.values then
         local differences = {}
         for i, value in ipairs(series.values) do differences[i] = value - base.values[i] end
         local title = v:label(result.variant) .. ": cross-entropy minus the reference's, in nats, window by window"
         out[#out + 1] = "<figure><figcaption>" .. esc(title) .. "</figcaption>" .. svg.window_strip(differences, title)
            .. "</figure>"
      end
   end
   return #out > 0 and "<details><summary>Change window by window</summary>" .. table.concat(out) .. "</details>" or ""
end

-- The picture of one interval in a result table; the reference is a hollow dot at zero.
local function interval_picture(row, scale, margin)
   local paired = row.result.paired
   local item = { tone = row.tone, text = row.label .. ": reference" }
   if paired then
      for _, key in ipairs { "low", "estimate", "high" } do item[key] = drawn(paired, key) end
      item.text = row.label .. ": " .. row.change .. " " .. row.change_range
   end
   return svg.interval_row(scale, item, margin)
end

-- Columns of a result table: { head, class, function of a row -> markup }. with_sizes: whether it has the columns of size, as only the
-- first visible table of a page has.
local function columns_of(group, rows, with_sizes)
   local scale, margin = forest_scale(group)
   local columns = {
      { "variant", "name", function(row) return esc(row.label) end },
      { words.metric(group.metric), "num", function(row) return with_range(row.value, row.range) end },
      { "change to none", "num", function(row) return with_range(row.change, row.change_range) end },
      { "", nil, function(row) return interval_picture(row, scale, margin) end },
   }
   local function add(head, class, key, wanted)
      if wanted then columns[#columns + 1] = { head, class, function(row) return esc(row[key]) end } end
   end
   add("bits per weight", "num", "bits", with_sizes)
   add("on disk", "num", "disk", with_sizes)
   add("lost / gained", "num", "flips", any(rows, "flips"))
   add("p, adjusted", "num", "p", any(rows, "p"))
   add("smallest visible", "num", "mde", any(rows, "mde"))
   columns[#columns + 1] = { "verdict", nil, function(row) return chip(row.tone, row.short) end }
   return columns
end

local function result_table(v, group, with_sizes)
   local rows = v:result_rows(group)
   local columns, headers, body = columns_of(group, rows, with_sizes), {}, {}
   for i, column in ipairs(columns) do headers[i] = { column[1], column[2] ~= "name" and column[2] or nil } end
   for _, row in ipairs(rows) do
      local cells = {}
      for i, column in ipairs(columns) do cells[i] = cell(column[3](row), column[2]) end
      body[#body + 1] = cells
   end
   return table_of(headers, body)
end

-- Joins the first n items with a dot between them. Items that are nil or empty are left out.
local function joined(items, n)
   local out = {}
   for i = 1, n do if items[i] and items[i] ~= "" then out[#out + 1] = items[i] end end
   return table.concat(out, " · ")
end

-- The note below a result table: how its intervals and p were computed, and what its marks mean.
local function method_note(group, with_sizes)
   local first, paired = group.results[1], nil
   for _, result in ipairs(group.results) do paired = paired or result.paired end
   local method = {}
   if first.interval then method[#method + 1] = "Interval of the value: " .. first.interval.method .. "." end
   if paired then
      method[#method + 1] = "Interval of the change: " .. paired.method .. ", level "
         .. format.percent(paired.level, 0) .. "."
      local test = words.test(paired)
      if test then method[#method + 1] = "p: " .. test .. "." end
   end
   if group.margin then method[#method + 1] = "The shaded band is the margin declared before the run." end
   for _, result in ipairs(group.results) do
      if result.excluded then
         method[#method + 1] = "Not compared: " .. (result.reason or "the untouched model is at its trivial score on this task") .. "."
         break
      end
   end
   local trivial = view.baselines(group)
   if trivial ~= "" then method[#method + 1] = "Without any model: " .. trivial .. "." end
   if first.primary == false then
      method[#method + 1] = "Exploration, not a claim: p is adjusted by Benjamini and Hochberg over all such comparisons."
   end
   if with_sizes then
      method[#method + 1] = "Bits per weight are counted from the bytes written, over all parameters, "
         .. "embeddings and scales included."
   end
   return '<p class="hint">' .. esc(table.concat(method, " ")) .. "</p>\n"
end

-- Tables of primary metrics are visible; the others are in closed <details> elements. Without a primary metric the first table is visible.
function sections.results(v)
   local groups = v:groups()
   if #groups == 0 then return end
   local out, first = {}, 1
   for i = #groups, 1, -1 do if groups[i].results[1].primary ~= false then first = i end end
   for i, group in ipairs(groups) do
      local about = { view.basis(group), group.task.dataset and (group.task.dataset.name or group.task.dataset.id),
         group.task.protocol and "protocol " .. group.task.protocol.id,
         group.direction and group.direction .. " is better" }
      local title, content = view.group_title(group), '<p class="hint">' .. esc(joined(about, 4)) .. "</p>"
         .. result_table(v, group, i == first) .. method_note(group, i == first) .. window_strips(v, group)
      if group.results[1].primary == false and i ~= first then
         out[#out + 1] = "<details><summary>" .. esc(title) .. "</summary>" .. content .. "</details>\n"
      else
         out[#out + 1] = "<h3>" .. esc(title) .. "</h3>" .. content
      end
   end
   return table.concat(out)
end

function sections.size_quality(v)
   local group = v:headline()
   if not group or group.unit ~= "ppl" then return end
   local points, reference = {}, nil
   for _, row in ipairs(v:result_rows(group)) do
      local variant = v.variant[row.id]
      if variant and variant.bits_per_weight and row.result.value then
         local paired, base = row.result.paired, nil
         if paired then
            for _, other in ipairs(group.results) do if other.variant == paired.against then base = other.value end end
         else
            reference = reference or row.result.value
         end
         points[#points + 1] = { x = variant.bits_per_weight, y = row.result.value, low = base and base * paired.low,
            high = base and base * paired.high, label = row.label, tone = row.tone }
      end
   end
   if #points < 2 then return end
   local parts = {}
   for _, p in ipairs(points) do
      parts[#parts + 1] = p.label .. ": " .. format.fixed(p.x, 2) .. " bits, " .. format.significant(p.y, 4)
   end
   local picture = svg.size_quality(points, { title = "Bits per weight against perplexity",
      description = table.concat(parts, "; "), x_label = "bits per weight, all parameters",
      y_label = "perplexity, logarithmic", reference = #v.report.subjects == 1 and reference or nil,
         margin = group.margin and group.margin.unit == "ratio" and group.margin.margin })
   return "<figure>" .. picture
      .. '<figcaption>Lower left is better. Whiskers are the interval of the paired change. The dashed line is '
      .. 'the untouched subject, and the band above it is the declared margin. '
      .. "The dotted steps join the variants that no smaller one beats.</figcaption></figure>\n"
end

local function layer_data(grid)
   local headers, rows = { "block" }, {}
   for _, role in ipairs(grid.roles) do headers[#headers + 1] = { role, "num" } end
   for block = 0, grid.blocks - 1 do
      local row = { cell(tostring(block)) }
      for _, role in ipairs(grid.roles) do
         local linear = grid.cells[role][block]
         row[#row + 1] = cell(linear and format.significant(linear.relative_error, 3) or "", "num")
      end
      rows[#rows + 1] = row
   end
   return "<details><summary>Numbers of " .. esc(grid.label) .. "</summary>" .. table_of(headers, rows, true) .. "</details>"
end

function sections.layers(v)
   local grids, profile = v:layer_grids(), measures.profile(v)
   if #grids == 0 then return profile ~= "" and profile or nil end
   local out = { profile, '<p class="hint">Relative error of each linear’s weights, ‖W − Q‖ / ‖W‖. '
      .. 'Each map has its own scale: compare places within a map, and the means between maps.</p><div class="maps">' }
   for _, grid in ipairs(grids) do
      out[#out + 1] = "<figure><figcaption><b>" .. esc(grid.label) .. "</b><span>mean "
         .. format.significant(grid.mean, 3) .. ", largest in "
         .. esc((grid.worst.name:gsub("^model%.layers%.(%d+)%.", "block %1, ")))
         .. "</span>" .. svg.ramp(format.significant(grid.low, 2), format.significant(grid.high, 2)) .. "</figcaption>"
            .. svg.error_map(grid) .. "</figure>"
   end
   out[#out + 1] = "</div>"
   for _, grid in ipairs(grids) do out[#out + 1] = layer_data(grid) end
   return table.concat(out) .. "\n"
end

local function gate_rows(v, gates)
   local rows = {}
   for _, gate in ipairs(gates) do
      local tone = gate.status == "pass" and "good" or gate.status == "not_run" and "open"
         or gate.severity == "block" and "bad" or "open"
      rows[#rows + 1] = { cell(esc(gate.id), "name"), cell(esc(gate.title or ""), "wrap"),
         cell(chip(tone, words.gate_status(gate.status))), cell(esc(gate.scope and v:label(gate.scope) or "study")),
         cell(with_range(gate.evidence or "", gate.status ~= "pass" and gate.message or ""), "wrap") }
   end
   return table_of({ "check", "", "result", "scope", "evidence" }, rows)
end

-- Gates (checks of validity) that passed and concern one variant, and guardrails (ids such as G01) that did not fire,
-- are in a closed <details> element. All other gates and guardrails are visible.
function sections.validity(v)
   local open, folded = {}, {}
   for _, gate in ipairs(v.report.gates) do
      local guardrail = gate.id:match "^G%d%d$"
      local quiet = guardrail or gate.status == "pass" and gate.scope and v.variant[gate.scope]
      table.insert((gate.status == "fail" or not quiet) and open or folded, gate)
   end
   if #open + #folded == 0 then return end
   return '<p class="hint">' .. esc(v:gate_sentence())
      .. ". A failed check of the blocking kind makes every verdict in its scope invalid.</p>"
      .. (#open > 0 and gate_rows(v, open) or "") .. measures.noise(v)
      .. (#folded > 0 and "<details><summary>" .. #folded .. " checks that passed or had nothing to look at</summary>"
         .. gate_rows(v, folded)
         .. "</details>" or "") .. "\n"
end

-- A table whose first column holds names and whose other columns hold numbers.
local function number_table(headers, rows)
   local out = {}
   for _, row in ipairs(rows) do
      local cells = { cell(esc(row[1]), "name") }
      for i = 2, #row do cells[i] = cell(esc(row[i]), "num") end
      out[#out + 1] = cells
   end
   local head = { headers[1] }
   for i = 2, #headers do head[i] = { headers[i], "num" } end
   return table_of(head, out)
end

local function runtime_table(v)
   local rows = v:runtime_rows()
   if #rows == 0 then return "" end
   local cells = {}
   for i, row in ipairs(rows) do cells[i] = { cell(esc(row[1]), "name"), cell(esc(row[2])) } end
   return '<p class="hint">How the tasks ran each variant: packed, from its codes as they are stored, or dequantized, from floats.</p>'
      .. table_of({ "variant", "evaluated" }, cells)
end

local function packed_table(v)
   local headers, rows = v:packed_rows()
   if #rows == 0 then return "" end
   return '<p class="hint">Each checkpoint run from its stored codes (packed) and from float32 weights (dequantized), one sequence at a '
      .. "time. Memory: by how much the process grew while it loaded the model. First token: time to read a prompt of 256 tokens.</p>"
      .. number_table(headers, rows)
end

function sections.resources(v)
   local headers, rows = v:resource_rows()
   if #rows == 0 then return end
   local total = v.report.times.seconds and "Whole study: " .. format.seconds(v.report.times.seconds)
      .. (v.report.times.resumed and " in its last part; it was resumed" or "") .. ". " or ""
   return '<p class="hint">' .. esc(total .. "These are the only numbers on this page that change from run to run.")
      .. "</p>" .. number_table(headers, rows) .. runtime_table(v) .. packed_table(v)
end

function sections.ledger(v)
   if #v.report.ledger == 0 then return end
   local rows = {}
   for _, entry in ipairs(v.report.ledger) do
      rows[#rows + 1] = { cell(esc(entry.event or "note"), "name"),
         cell(esc(entry.variant and v:label(entry.variant) or "study")), cell(esc(entry.layer or "")),
         cell(esc(entry.message or ""), "wrap") }
   end
   return '<p class="hint">Every fallback, skip and repair of the run.</p>'
      .. table_of({ "event", "variant", "layer", "" }, rows)
end

function sections.setup(v)
   local out = { '<div class="defs">' }
   for _, card in ipairs(v:cards()) do
      if #card[2] > 0 then
         out[#out + 1] = '<div class="card"><h3>' .. esc(card[1]) .. "</h3><dl>"
         for _, item in ipairs(card[2]) do
            out[#out + 1] = "<dt>" .. esc(item[1]) .. "</dt><dd>" .. esc(item[2]) .. "</dd>"
         end
         out[#out + 1] = "</dl></div>"
      end
   end
   return table.concat(out) .. "</div>\n"
end

function sections.reproduction(v)
   local study, plugins = v.report.study, {}
   if not study.command then return end
   for _, p in ipairs(v.report.environment.plugins or {}) do
      plugins[#plugins + 1] = { cell(esc(p.id), "name"), cell(esc(p.kind or "")), cell(esc(p.version or "")),
         cell("<code>" .. esc((p.sha256 or ""):sub(1, 12)) .. "</code>") }
   end
   local facts = "Study file " .. (study.file or "") .. (study.sha256 and ", SHA-256 " .. study.sha256:sub(1, 12)
      .. "…" or "") .. (study.seed and ", seed " .. study.seed or "")
   return "<pre><code>" .. esc(study.command) .. "</code></pre><p class=\"hint\">" .. esc(facts)
      .. ". The same inputs give the same report.json, byte for byte, apart from its times.</p>"
      .. (#plugins > 0 and table_of({ "plugin", "kind", "version", "content" }, plugins) or "")
end

return sections
