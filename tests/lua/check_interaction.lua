-- Checks the interaction in report.json of a finished study: does the tuned model lose more by quantization than its base?
-- Recomputes this difference of differences from the scores of single items. usage: assay run tests/lua/check_interaction.lua RUN RECIPE...
local native = require "assay.native"
local fs, json = native.fs, native.json

local run = ...
local recipes = { select(2, ...) }
local report = json.decode(assert(fs.read(run .. "/report.json")))

-- Returns the scores of a variant for each item, and the factor to the report's unit: cross-entropies of windows (factor 1),
-- or 1 and 0 for right and wrong samples (factor 100, per cent).
local function scores_of(variant, task, metric)
   for _, result in ipairs(report.results) do
      if result.variant == variant and result.task == task and result.metric == metric and result.series then
         return result.series.values, 1
      end
   end
   local out = {}
   local text = assert(fs.read(("%s/samples/%s.%s.jsonl"):format(run, task, (variant:gsub("/", ".")))))
   for line in text:gmatch "[^\n]+" do out[#out + 1] = json.decode(line).score[metric] end
   return out, 100
end

local n = 0
for _, row in ipairs(report.interaction) do
   local cells, scale = {}, nil
   for i, variant in ipairs { "base/none", "base/" .. row.recipe, "tuned/none", "tuned/" .. row.recipe } do
      cells[i], scale = scores_of(variant, row.task, row.metric)
   end
   local sum = 0
   for i = 1, #cells[1] do sum = sum + (cells[4][i] - cells[3][i]) - (cells[2][i] - cells[1][i]) end
   local expected = scale * sum / #cells[1]
   assert(row.first == "base" and row.second == "tuned", "the base comes first")
   assert(math.abs(row.estimate - expected) < 1e-9 * math.max(1, math.abs(expected)),
          ("%s %s: %.12g in the report, %.12g from its items"):format(row.task, row.recipe, row.estimate, expected))
   assert(row.low <= row.estimate and row.estimate <= row.high, "the interval holds its estimate")
   print(("%-12s %-18s %+.4f %s [%+.4f, %+.4f], again from %d items"):format(row.task, row.recipe, row.estimate, row.unit,
         row.low, row.high, #cells[1]))
   n = n + 1
end
local tasks = 0
for _, task in ipairs(report.tasks) do if task.primary then tasks = tasks + 1 end end
assert(n == tasks * #recipes, ("%d rows for %d tasks and %d recipes"):format(n, tasks, #recipes))
