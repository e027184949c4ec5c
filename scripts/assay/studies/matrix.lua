-- Writes a page of tables about the perplexity tasks of a finished study: every recipe with its calibration and the increase of its
-- perplexity over the untouched model's, and the method `best` against each other recipe of the same format. It reads the stored
-- values and runs no model.
local fail = require "assay.lib.fail"
local native = require "assay.native"
local stored = require "assay.results.stored"
local fs, stats = native.fs, native.stats

local matrix = {}

local replicates = 10000

local function options_of(context) return { replicates = replicates, seed = context.study.seed } end

local function percent(ratio) return ("%+.1f %%"):format(100 * (ratio - 1)) end

local function interval(p) return ("%s [%s, %s]"):format(percent(p.estimate), percent(p.low), percent(p.high)) end

-- The rows of a task: { variant, value, windows, bits, seconds, increase }, the untouched model first. windows: cross-entropies in
-- nats; increase: ratio of perplexities with its interval.
local function rows_of(context, run, task)
   local rows = {}
   for _, found in ipairs(stored.rows(run, task, run.study.subjects[1])) do
      local r, made = found.stage.result, found.variant.made
      rows[#rows + 1] = { variant = found.variant, value = r.metrics.ppl.value, windows = r.series.values,
                          bits = made and made.result.summary.bits_per_quantized_weight,
                          seconds = made and made.result.summary.seconds }
   end
   for i = 2, #rows do
      rows[i].increase = stats.perplexity_ratio(rows[i].windows, rows[1].windows, options_of(context))
   end
   return rows
end

local function calibration_name(variant)
   local c = variant.calibration
   return c and (c.options.name or "given") or "-"
end

local function main_table(out, tasks, rows)
   local head, line = "| recipe | calibration | bits |", "|---|---|---|"
   for _, task in ipairs(tasks) do
      head, line = ("%s %s | increase, 95 %% |"):format(head, task.options.title or task.id), line .. "---|---|"
   end
   out[#out + 1] = head
   out[#out + 1] = line
   for i, first in ipairs(rows[1]) do
      local text = ("| %s | %s | %s |"):format(first.variant.recipe.label:gsub(" %([^)]*%)$", ""),
                                          calibration_name(first.variant),
                                          first.bits and ("%.2f"):format(first.bits) or "-")
      for t in ipairs(tasks) do
         local row = rows[t][i]
         text = ("%s %.2f | %s |"):format(text, row.value, row.increase and interval(row.increase) or "-")
      end
      out[#out + 1] = text
   end
end

-- The format of a row. Rows may be compared if their counted bits and the bits of their inputs are equal.
local function format_of(row)
   local inputs = row.variant.recipe.data.activation
   return ("%.2f%s"):format(row.bits, inputs and "/A" .. inputs.bits or "")
end

-- Returns the row with which the other rows of a group are compared: the row of the method `best` (the one with trained scales if there
-- is one), else the row with the lowest perplexity.
local function champion(rows)
   local ours, least
   for _, row in ipairs(rows) do
      local recipe = row.variant.recipe.data
      if recipe.method == "best" and (not ours or recipe.tune) then ours = row end
      if not least or row.value < least.value then least = row end
   end
   return ours or least
end

local function is_data_free(row) return calibration_name(row.variant) == "-" end

-- The rows grouped by format and calibration text. A recipe without calibration is in every group of its format.
local function groups_of(rows)
   local groups = {}
   for i = 2, #rows do
      if not is_data_free(rows[i]) then
         local key = format_of(rows[i]) .. " bits, calibrated on " .. calibration_name(rows[i].variant)
         groups[key] = groups[key] or {}
         table.insert(groups[key], rows[i])
      end
   end
   for _, group in pairs(groups) do
      for i = 2, #rows do
         if is_data_free(rows[i]) and format_of(rows[i]) == format_of(group[1]) then table.insert(group, rows[i]) end
      end
   end
   return groups
end

-- Appends for each group a table: the champion against each other recipe, as ratios of perplexities.
local function versus_table(out, context, task, rows)
   local groups = groups_of(rows)
   for _, key in ipairs(fail.sorted_keys(groups)) do
      local group = groups[key]
      if #group > 1 then
         local first = champion(group)
         out[#out + 1] = ("\n**%s, %s: %s against**\n"):format(task.options.title or task.id, key,
                                                             first.variant.recipe.label)
         out[#out + 1] = "| recipe | perplexity of the first / of the recipe, 95 % | decided |"
         out[#out + 1] = "|---|---|---|"
         for _, row in ipairs(group) do
            if row ~= first then
               local p = stats.perplexity_ratio(first.windows, row.windows, options_of(context))
               out[#out + 1] = ("| %s | %s | %s |"):format(row.variant.recipe.label, interval(p),
                                                          p.high < 1 and "yes" or p.low > 1 and "it is worse" or "no")
            end
         end
      end
   end
end

-- The row of plain rounding (rtn) with the same width and the same treatment of inputs, at no more counted bits than the given row;
-- nil if there is none.
local function plain_for(row, rows)
   local found
   for i = 2, #rows do
      local r = rows[i]
      local like = r.variant.recipe.data.method == "rtn" and r.bits <= row.bits + 0.005 and r ~= row and
                   r.variant.recipe.data.quantizer.config.bits == row.variant.recipe.data.quantizer.config.bits and
                   (r.variant.recipe.data.activation ~= nil) == (row.variant.recipe.data.activation ~= nil)
      if like and (not found or r.bits > found.bits) then found = r end
   end
   return found
end

-- Appends the recipes that plain rounding beats, since a report must not hide them.
local function worse_than_rtn(out, context, task, rows)
   for i = 2, #rows do
      local row = rows[i]
      local plain = plain_for(row, rows)
      if plain and row.value > plain.value then
         out[#out + 1] = ("- %s: %s against %s: %s."):format(
            task.options.title or task.id, row.variant.recipe.label, plain.variant.recipe.label,
            interval(stats.perplexity_ratio(row.windows, plain.windows, options_of(context))))
      end
   end
end

-- Writes the page to `path`. report, context: as a study's function `after` gets them.
function matrix.write(path, report, context)
   local tasks, rows, run = {}, {}, stored.collect(context)
   for _, task in ipairs(context.study.tasks) do
      if task.definition.kind == "perplexity" then
         tasks[#tasks + 1] = task
         rows[#rows + 1] = rows_of(context, run, task)
      end
   end
   local out = { ("# %s\n"):format(report.study.title),
                 ("`%s`; intervals are bootstraps over windows, paired with the untouched model.\n"):format(
                    report.study.command) }
   main_table(out, tasks, rows)
   out[#out + 1] = "\n## Against the others of the same format"
   for t, task in ipairs(tasks) do versus_table(out, context, task, rows[t]) end
   out[#out + 1] = "\n## Worse than plain rounding\n"
   local before = #out
   for t, task in ipairs(tasks) do worse_than_rtn(out, context, task, rows[t]) end
   if #out == before then out[#out + 1] = "None." end
   fs.write(path, table.concat(out, "\n") .. "\n")
end

return matrix
