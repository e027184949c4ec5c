-- A page of tables over perplexity tasks: every recipe with its calibration, increase over the untouched model with its
-- interval, and the best recipe against each other one of the same bits, paired. Reads stored windows, computes no model.
local fail = require "assay.fail"
local native = require "assay.native"
local record = require "assay.record"
local variants = require "assay.variant"
local fs, stats = native.fs, native.stats

local matrix = {}

local replicates = 10000

local function options_of(context) return { replicates = replicates, seed = context.study.seed } end

local function percent(ratio) return ("%+.1f %%"):format(100 * (ratio - 1)) end

local function interval(p) return ("%s [%s, %s]"):format(percent(p.estimate), percent(p.low), percent(p.high)) end

-- Rows of a task: { variant, value, windows, bits, increase }, the untouched model first.
local function rows_of(context, task)
   local rows = {}
   for _, found in ipairs(record.measured(context, task, context.study.subjects[1])) do
      local r = found.stage.result
      local made = not found.variant.none and
                   context.store:find(variants.quantize_key(context, found.variant))
      rows[#rows + 1] = { variant = found.variant, value = r.value, windows = r.series.values,
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

-- Rows of the same counted bits, the lowest of each calibration against all others.
local function versus_table(out, context, task, rows)
   local by_bits = {}
   for i = 2, #rows do
      local key = ("%.2f"):format(rows[i].bits)
      by_bits[key] = by_bits[key] or {}
      table.insert(by_bits[key], rows[i])
   end
   for _, bits in ipairs(fail.sorted_keys(by_bits)) do
      local group = by_bits[bits]
      if #group > 1 then
         local least = group[1]
         for _, row in ipairs(group) do if row.value < least.value then least = row end end
         out[#out + 1] = ("\n**%s, %s bits: %s against**\n"):format(task.options.title or task.id, bits,
                                                                   least.variant.recipe.label)
         out[#out + 1] = "| recipe | perplexity of the best / of the recipe, 95 % | decided |"
         out[#out + 1] = "|---|---|---|"
         for _, row in ipairs(group) do
            if row ~= least then
               local p = stats.perplexity_ratio(least.windows, row.windows, options_of(context))
               out[#out + 1] = ("| %s | %s | %s |"):format(row.variant.recipe.label, interval(p),
                                                          p.high < 1 and "yes" or "no")
            end
         end
      end
   end
end

-- Recipes that a data-free one beats, which a report must say.
local function worse_than_rtn(out, task, rows)
   for _, bits in ipairs { 8, 4, 3 } do
      local plain
      for i = 2, #rows do
         local r = rows[i].variant.recipe
         if r.data.method == "rtn" and r.options.bits == bits then plain = rows[i] end
      end
      for i = 2, #rows do
         local row = rows[i]
         if plain and row ~= plain and row.variant.recipe.options.bits == bits and row.value > plain.value then
            out[#out + 1] = ("- %s: %s is worse than plain rounding (%.2f against %.2f)."):format(
               task.options.title or task.id, row.variant.recipe.label, row.value, plain.value)
         end
      end
   end
end

function matrix.write(path, report, context)
   local tasks, rows = {}, {}
   for _, task in ipairs(context.study.tasks) do
      if task.definition.kind == "perplexity" then
         tasks[#tasks + 1] = task
         rows[#rows + 1] = rows_of(context, task)
      end
   end
   local out = { ("# %s\n"):format(report.study.title),
                 ("`%s`; intervals are bootstraps over windows, paired with the untouched model.\n"):format(
                    report.study.command) }
   main_table(out, tasks, rows)
   out[#out + 1] = "\n## Best against the others at the same bits"
   for t, task in ipairs(tasks) do versus_table(out, context, task, rows[t]) end
   out[#out + 1] = "\n## Worse than plain rounding\n"
   local before = #out
   for t, task in ipairs(tasks) do worse_than_rtn(out, task, rows[t]) end
   if #out == before then out[#out + 1] = "None." end
   fs.write(path, table.concat(out, "\n") .. "\n")
end

return matrix
