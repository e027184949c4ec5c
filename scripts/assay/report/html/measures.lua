-- Renders those sections of report.html that show tables of tables/ with pictures of plots.lua beside them: what was declared,
-- distances, items, layers, calibrations, conclusions.

local escape = require "assay.report.escape"
local format = require "assay.report.format"
local plots = require "assay.report.html.plots"
local svg = require "assay.report.html.svg"
local tables = require "assay.report.tables"

local measures = {}
local esc <const> = escape.html

-- A table of tables/ as HTML; "" for nil. A line break in a cell separates a value from its interval.
local function laid_out(table_)
   if not table_ then return "" end
   local hint = table_.hint and '<p class="hint">' .. esc(table_.hint) .. "</p>" or ""
   if #table_.rows == 0 then return hint end
   local out = { hint, '<div class="scroll"><table class="rows"><thead><tr>' }
   local first = table_.numeric or #table_.headers + 1
   for i, header in ipairs(table_.headers) do
      out[#out + 1] = '<th scope="col"' .. (i >= first and ' class="num"' or "") .. ">" .. esc(header) .. "</th>"
   end
   out[#out + 1] = "</tr></thead><tbody>"
   for _, row in ipairs(table_.rows) do
      out[#out + 1] = "<tr>"
      for i, text in ipairs(row) do
         local class = i == 1 and "name" or i >= first and "num" or #text > 40 and "wrap" or nil
         local value, range = text:match "^(.-)\n(.*)$"
         out[#out + 1] = "<td" .. (class and ' class="' .. class .. '"' or "") .. ' data-head="' .. esc(table_.headers[i] or "")
            .. '">' .. esc(value or text)
            .. (range and '<span class="range">' .. esc(range) .. "</span>" or "") .. "</td>"
      end
      out[#out + 1] = "</tr>"
   end
   return table.concat(out) .. "</tbody></table></div>\n"
end

-- Content in a closed <details> element; "" for no content.
local function folded(summary, content)
   return content ~= "" and "<details><summary>" .. esc(summary) .. "</summary>" .. content .. "</details>\n" or ""
end

-- A picture with its title above and its legend and caption below. numbers: { "name: value", ... }, shown in a closed <details>
-- element. filled: the series are bars or dots, not lines.
local function figure(title, picture, caption, series, numbers, filled)
   local list = {}
   for i, one in ipairs(numbers or {}) do list[i] = "<li>" .. esc(one) .. "</li>" end
   return "<figure><h4>" .. esc(title) .. "</h4>" .. picture .. "<figcaption>" .. (series and plots.legend(series, filled) or "")
      .. esc(caption) .. "</figcaption>"
      .. (#list > 0 and "<details><summary>Numbers</summary><ul>" .. table.concat(list) .. "</ul></details>" or "") .. "</figure>\n"
end

-- The CSS class of a variant's colour, the same in all pictures of a page. Untouched subjects have the colour of the text.
local function colour_of(v, id)
   local n, references = 0, 0
   for _, variant in ipairs(v.report.variants) do
      local touched = variant.recipe ~= nil
      if touched then n = n + 1 else references = references + 1 end
      if variant.id == id then return touched and plots.colour(n) or "s0" .. (references > 1 and " again" or "") end
   end
end

-- A section that is one table. make: a function of tables/.
local function simple(make)
   return function(v)
      local content = laid_out(make(v))
      return content ~= "" and content or nil
   end
end

measures.declared, measures.interaction = simple(tables.declared), simple(tables.interaction)
measures.decision, measures.threats = simple(tables.decision), simple(tables.threats)
measures.methods = simple(tables.methods)

function measures.noise(v)
   return laid_out(tables.noise(v, true)) .. folded("Numbers that were equal in both runs", laid_out(tables.noise(v, false)))
      .. folded("What was measured of each variant", laid_out(tables.completeness(v)))
end

-- ---- distance -------------------------------------------------------------------------------------

-- Returns { at(one), ... } for each element `one` of a list: sentences that say a picture's numbers in words.
local function told_of(series, at)
   local out = {}
   for i, one in ipairs(series) do out[i] = at(one) end
   return out
end

-- The largest divergence between two runs of an untouched subject, over all subjects; nil if it was not measured.
local function noise_floor(v, task)
   local floor
   for _, one in ipairs(v.report.aa_noise or {}) do
      if one.task == task and one.metric == "kld" then floor = math.max(floor or 0, one.value) end
   end
   return floor
end

-- A picture of bits per weight against divergence. It also shows the noise between two runs, and the front: the variants that no variant
-- of the same or smaller size beats. rows: entries of the report's `distance`.
local function size_distance(v, rows)
   local points = {}
   for _, d in ipairs(rows) do
      local variant = v.variant[d.variant] or {}
      if variant.bits_per_weight and d.kld_mean > 0 then
         local i = d.kld.interval or {}
         points[#points + 1] = { x = variant.bits_per_weight, y = d.kld_mean, low = i.low and i.low > 0 and i.low or nil,
            high = i.low and i.low > 0 and i.high or nil, label = v:label(d.variant),
            tone = variant.collapsed and "hollow" or d.against_margin == "within" and "good"
               or d.against_margin == "beyond" and "bad" or "open" }
      end
   end
   if #points < 2 then return "" end
   local told = told_of(points, function(p)
      return p.label .. ": " .. format.fixed(p.x, 2) .. " bits, " .. format.significant(p.y, 3) .. " nats"
   end)
   local floor = noise_floor(v, rows[1].task)
   local noise = floor and " Two runs of the untouched model lie " .. format.significant(floor, 2) .. " nats apart." or ""
   return figure("Size against divergence", svg.size_quality(points, { title = "Bits per weight against divergence",
      description = table.concat(told, "; ") .. "." .. noise, x_label = "bits per weight, all parameters",
      y_label = "mean divergence in nats, logarithmic", floor = floor and floor > 0 and floor or nil }),
      "Lower left is better" .. (#svg.front(points) > 1 and "; the dotted line joins the variants that no smaller one beats" or "")
      .. ". Hollow dots are collapsed variants." .. noise, nil, told)
end

-- Curves of how the divergence is distributed over tokens.
local function distribution(v, rows)
   local series = {}
   for _, d in ipairs(rows) do
      local points = {}
      for _, p in ipairs(d.curve or {}) do points[#points + 1] = { math.max(p[2], 1e-6), p[1] } end
      series[#series + 1] = { label = v:label(d.variant), points = points, colour = colour_of(v, d.variant),
         dashed = (v.variant[d.variant] or {}).collapsed ~= nil }
   end
   local told = told_of(rows, function(d)
      local p = d.percentiles or {}
      return v:label(d.variant) .. ": half of the tokens below " .. format.significant(p.p50 or 0, 3) .. ", 99 % below "
         .. format.significant(p.p99 or 0, 3)
   end)
   return figure("How the divergence is spread over tokens", plots.curves(series, {
      title = "Share of tokens below a divergence", x_log = true, y_low = 0, y_high = 1,
      x_label = "divergence in nats, logarithmic", y_label = "share of tokens",
      show_y = function(y) return format.percent(y, 0) end, mark = { rows[1].margin, "margin" },
      description = table.concat(told, "; ") }),
      "Further left is closer to the untouched subject. The dashed line is the margin for the mean.", series, told)
end

local PERCENTILES <const> = { 0.1, 1, 5, 10, 25, 50, 75, 90, 95, 99, 99.9 }

-- Percentiles of the change of the right token's probability, one curve for each variant. Damage by quantization makes the lower end of
-- a curve longer.
local function fan(v, rows)
   local series, ticks = {}, {}
   for i in ipairs(PERCENTILES) do ticks[i] = i end
   for _, d in ipairs(rows) do
      local points = {}
      for i, p in ipairs(PERCENTILES) do
         local value = (d.delta_p_percentiles or {})[("p%g"):format(p)]
         if value then points[#points + 1] = { i, 100 * value } end
      end
      series[#series + 1] = { label = v:label(d.variant), points = points, colour = colour_of(v, d.variant) }
   end
   local told = told_of(rows, function(d)
      return v:label(d.variant) .. ": root mean square " .. format.significant(100 * (d.delta_p_rms or 0), 3) .. " points"
   end)
   return figure("Change of the right token's probability", plots.curves(series, {
      title = "Change of the right token's probability by percentile", zero = true,
      x_ticks = ticks, show_x = function(i) return format.plain(PERCENTILES[i]) end,
      x_label = "percentile of tokens", y_label = "change in points",
      description = table.concat(told, "; ") }),
      "Changes that are symmetric about zero are noise; a longer lower tail is damage.", series, told)
end

function measures.distance(v)
   local rows = {}
   for _, d in ipairs(v.report.distance or {}) do if d.kld and d.kld.value then rows[#rows + 1] = d end end
   if #rows == 0 then return end
   return laid_out(tables.distance(v)) .. '<div class="pair">' .. size_distance(v, rows) .. distribution(v, rows)
      .. fan(v, rows) .. "</div>" .. laid_out(tables.confidence(v))
      .. folded("Percentiles of the change of probability", laid_out(tables.delta_p(v)))
end

-- ---- items ----------------------------------------------------------------------------------------

-- A sentence on how many items flip (right to wrong or back) between two runs of the untouched model; "" if it was not measured.
local function flips_of_noise(v, task)
   for _, one in ipairs(v.report.aa_noise or {}) do
      if one.task == task and one.unit == "count" and one.quantity == "flips" then
         return (" Between two runs of the untouched model %s of %s items flip."):format(format.count(one.value), format.count(one.items))
      end
   end
   return ""
end

-- Bars of the items that each variant loses and gains, one picture for each primary metric that grades items
-- right or wrong.
local function flips(v)
   local out = {}
   for _, group in ipairs(v:groups()) do
      local rows, told, n = {}, {}, 0
      for _, result in ipairs(group.results) do
         local p = result.paired
         if p and p.lost and result.primary ~= false then
            rows[#rows + 1] = { label = v:label(result.variant), lost = p.lost, gained = p.gained,
               dashed = (v.variant[result.variant] or {}).collapsed ~= nil }
            n = n + p.lost + p.gained
            told[#told + 1] = rows[#rows].label .. ": " .. p.lost .. " lost, " .. p.gained .. " gained"
               .. (p.answer_change and ", " .. format.percent(p.answer_change) .. " of answers changed" or "")
         end
      end
      if n > 0 then -- if nothing was lost or gained, the tables say so
         local title = group.task.title or group.task.id
         out[#out + 1] = figure("Items lost and gained: " .. title, plots.diverging(rows, {
            title = "Items lost and gained: " .. title, description = table.concat(told, "; ") }),
            "If both bars are equal, the score stays the same, although answers changed." .. flips_of_noise(v, group.task.id), nil, told)
      end
   end
   return table.concat(out)
end

-- SQuAD v2: the score on answerable questions against the score on unanswerable ones. "" if the study has no such task.
local function plane(v)
   local has, none, points = nil, nil, {}
   for _, group in ipairs(v:groups()) do
      if group.metric == "HasAns_f1" then has = group end
      if group.metric == "NoAns_accuracy" then none = group end
   end
   if not (has and none) then return "" end
   local told = {}
   for _, result in ipairs(has.results) do
      local other
      for _, one in ipairs(none.results) do if one.variant == result.variant then other = one end end
      if other and result.value and other.value then
         points[#points + 1] = { other.value, result.value, label = v:label(result.variant), colour = colour_of(v, result.variant),
            dashed = (v.variant[result.variant] or {}).collapsed ~= nil }
         told[#told + 1] = v:label(result.variant) .. ": " .. format.percent(result.value) .. " answerable, "
            .. format.percent(other.value) .. " unanswerable"
      end
   end
   return figure("Answerable and unanswerable questions apart", plots.plane(points, { { 1, 0, "always abstains" }, { 0, 0, "answers nothing right" } },
      { title = "Answerable and unanswerable questions apart", description = table.concat(told, "; "),
         x_label = "accuracy on unanswerable questions", y_label = "F1 on answerable questions" }),
      "Upper right is better; the squares mark scores that need no model.", points, told, true)
end

local function by_task(list)
   local order, found = {}, {}
   for _, one in ipairs(list or {}) do
      if not found[one.task] then
         found[one.task] = {}
         order[#order + 1] = one.task
      end
      table.insert(found[one.task], one)
   end
   return order, found
end

-- Curves of the lengths of answers, one picture for each task.
local function lengths(v)
   local out = {}
   local order, found = by_task(v.report.lengths)
   for _, task in ipairs(order) do
      local series, told = {}, {}
      for _, one in ipairs(found[task]) do
         series[#series + 1] = { label = v:label(one.variant), points = one.curve, colour = colour_of(v, one.variant),
            dashed = (v.variant[one.variant] or {}).collapsed ~= nil }
         told[#told + 1] = v:label(one.variant) .. ": half below " .. one.curve[11][1] .. " tokens"
      end
      local cap = found[task][1].cap
      local title = (v.task[task] or {}).title or task
      out[#out + 1] = figure("Lengths of answers: " .. title, plots.curves(series, { title = "Lengths of answers: " .. title,
         y_low = 0, y_high = 1, x_label = "tokens", y_label = "share of answers",
         show_x = format.plain, show_y = function(y) return format.percent(y, 0) end,
         mark = cap and { cap, "limit" } or nil, steps = true,
         description = table.concat(told, "; ") }), "Share of answers that have at most this length.", series, told)
   end
   return table.concat(out)
end

-- Bars of how often each place (first choice, second, ...) was chosen, beside how often it is right.
local function labels(v)
   local out = {}
   local order, found = by_task(v.report.labels)
   for _, task in ipairs(order) do
      local names, seen, told = {}, {}, {}
      for _, one in ipairs(found[task]) do
         one.label = one.variant and v:label(one.variant) or "right answers"
         one.colour = not one.variant and "gold" or colour_of(v, one.variant)
         local parts = {}
         for name in pairs(one.counts) do
            if not seen[name] then names[#names + 1] = name end
            seen[name] = true
         end
         table.sort(names)
         for _, name in ipairs(names) do parts[#parts + 1] = name .. " " .. (one.counts[name] or 0) end
         told[#told + 1] = one.label .. ": " .. table.concat(parts, ", ")
      end
      local title = (v.task[task] or {}).title or task
      out[#out + 1] = figure("Chosen answers by place: " .. title, plots.histogram(found[task], names, {
         title = "Chosen answers by place: " .. title, description = table.concat(told, "; "),
         x_label = "place of the chosen answer" }), "A model that knows nothing prefers one place.", found[task], told, true)
   end
   return table.concat(out)
end

function measures.items(v)
   local content, changed = flips(v) .. plane(v) .. lengths(v) .. labels(v), laid_out(tables.changed(v))
   if content ~= "" then content = '<div class="pair">' .. content .. "</div>\n" end
   return content .. changed ~= "" and content .. changed or nil
end

-- ---- layers and calibration ------------------------------------------------------------------------

-- Curves of the error of the residual stream, the vector that each block reads and adds to, after each block.
function measures.profile(v)
   local series, rows = {}, {}
   for _, variant in ipairs(v.report.variants) do
      local points = {}
      for i, value in ipairs(variant.block_errors or {}) do points[i] = { i - 1, value } end
      if #points > 1 then
         series[#series + 1] = { label = v:label(variant.id), points = points, colour = colour_of(v, variant.id), dashed = variant.collapsed ~= nil }
         rows[#rows + 1] = { v:label(variant.id), format.significant(points[1][2], 3),
            format.significant(points[#points // 2 + 1][2], 3), format.significant(points[#points][2], 3) }
      end
   end
   if #series == 0 then return "" end
   local told = told_of(rows, function(row)
      return row[1] .. ": " .. row[2] .. " after the first block, " .. row[3] .. " in the middle, " .. row[4] .. " after the last"
   end)
   return figure("Error of the residual stream", plots.curves(series, {
      title = "Relative error of the residual stream after each block", y_log = true, x_label = "block",
      y_label = "relative error, logarithmic", show_x = function(x) return format.plain(x) end,
      description = table.concat(told, "; ") }),
      "Activations of the variant against those of the untouched subject on the same tokens.", series, told)
end

-- Dots that show how a result varies over calibration sizes and seeds, if a study measured that.
function measures.sensitivity(v)
   local out = {}
   for _, part in ipairs(v.report.sensitivity or {}) do
      local rows, told = {}, {}
      for _, row in ipairs(part.rows or {}) do
         rows[#rows + 1] = { label = row.label, values = row.values }
         local values = {}
         for i, value in ipairs(row.values) do values[i] = format.significant(value, 4) end
         told[#told + 1] = row.label .. ": " .. table.concat(values, ", ")
      end
      if #rows > 0 then
         out[#out + 1] = figure(part.title or "Sensitivity to calibration", plots.strips(rows, {
            title = part.title or "Sensitivity to calibration", description = table.concat(told, "; "),
            x_label = part.unit or "" }), part.note or "One dot per run.", nil, told)
      end
   end
   return #out > 0 and table.concat(out) or nil
end

return measures
