-- assay plan: prints what each variant of a study would cost, and the smallest difference that each task could show.
-- No stage is run.
local estimate = require "assay.study.estimate"
local loading = require "assay.recipe.loading"
local models = require "assay.study.models"
local native = require "assay.native"
local primary = require "assay.results.primary"
local quantize = require "assay.study.stages.quantize"
local subjects = require "assay.study.subjects"
local json, stats, sys = native.json, native.stats, native.sys

local plan = {}

-- Usual spread of the change in cross-entropy at four bits: its standard deviation over windows of 1,024 tokens, in nats. In the
-- studies of this repository it is 0.017 to 0.026.
local USUAL_SPREAD <const> = 0.025

local USUAL_FLIPS <const> = 0.10 -- usual share of items whose answer changes at four bits

local function declared_margin(study, task)
   for _, one in ipairs(primary.list(study)) do
      if one.task == task.id then return one.margin end
   end
end

local function n_items(task)
   local o = task.options
   return (o.items or 0) > 0 and o.items or o.dataset:info().records
end

-- For tasks of items. margin: the largest loss that counts as none, in percentage points, or nil.
local function visible_of_items(task, margin)
   local n = n_items(task)
   if not n then return "" end
   local text = ("%d items show differences of %.1f pp or more"):format(n, 100 * stats.mde_paired(USUAL_FLIPS, n))
   if not margin then return text end
   local needed = stats.items_for_noninferiority(USUAL_FLIPS, margin / 100)
   return ("%s, margin %g pp%s"):format(text, margin, needed > n and (", which needs %d items"):format(needed) or "")
end

-- For perplexities. margin: a ratio such as 1.02, or nil. A longer window has a smaller spread.
local function visible_of_windows(task, margin)
   local window = task.options.window
   local n = window and math.floor(task.definition.tokens(task.options) / window + 0.5) or 0
   if n < 2 then return "" end
   local spread = USUAL_SPREAD * math.sqrt(1024 / window)
   return ("about %d windows show changes of %.1f %% or more%s"):format(n, 100 * (math.exp(stats.mde_mean(spread, n)) - 1),
      margin and (", margin %.3g %%"):format(100 * (margin - 1)) or "")
end

-- For free answers: the largest true share of broken answers that is still possible if none of the measured answers is broken.
local function visible_of_answers(task)
   local n = n_items(task)
   if not n or n < 1 then return "" end
   return ("if none of %d answers is broken, the true share of broken ones is at most %.1f %%"):format(n,
      100 * stats.zero_cases_upper_bound(n))
end

-- The smallest difference that a task can show if items and windows vary as usual, with the declared margin beside it.
-- For free answers it is the bound of visible_of_answers; "" if nothing can be said.
local function visible(study, task)
   local kind = task.definition.kind
   if kind == "generations" then return visible_of_answers(task) end
   local margin = declared_margin(study, task)
   if kind == "choice" or kind == "generation" then return visible_of_items(task, margin) end
   return kind == "perplexity" and visible_of_windows(task, margin) or ""
end

local function duration(seconds) return "~" .. sys.duration(seconds) end

local function print_variants(total)
   local b = sys.bytes
   io.write(("%-28s %10s %10s %10s %10s %10s\n"):format("variant", "bits/w all", "linears", "on disk", "memory", "time"))
   for _, row in ipairs(total.variants) do
      io.write(("%-28s %10.2f %10.2f %10s %10s %10s\n"):format(row.id, row.bits, row.linear_bits, b(row.bytes), b(row.memory),
               duration(row.seconds)))
   end
end

-- Which programs load the checkpoints; variants with the same answer share a line.
local function print_consumers(study)
   local lines, of_line = {}, {}
   for _, variant in ipairs(study:variants()) do
      if not variant.none then
         local planned, reason = quantize.planned(variant)
         local text = planned and loading.sentence(planned)
         text = text and "loads in " .. text or reason and "is not saved: " .. reason
         if text and not of_line[text] then
            lines[#lines + 1] = text
            of_line[text] = {}
         end
         if text then table.insert(of_line[text], variant.id) end
      end
   end
   for _, text in ipairs(lines) do
      local ids = of_line[text]
      local more = #ids > 2 and (" and %d more"):format(#ids - 2) or ""
      io.write(("%s%s: %s\n"):format(table.concat(ids, ", ", 1, math.min(2, #ids)), more, text))
   end
   if #lines > 0 then io.write "(`assay formats` prints the dates and sources of these statements)\n" end
end

-- How many variants are evaluated packed, and for each reason why others are not, the first of them.
local function print_runtimes(study)
   local packed, all, seen, lines = 0, study:variants(), {}, {}
   for _, variant in ipairs(all) do
      local runtime, why = models.planned_runtime(variant)
      if runtime == "packed" then packed = packed + 1
      elseif why ~= models.FLOATS and not seen[why] then
         seen[why] = true
         lines[#lines + 1] = ("   %s dequantized: %s\n"):format(variant.id, why)
      end
   end
   io.write(("runtime: packed for %d of %d variants\n"):format(packed, #all), table.concat(lines))
end

local function print_subjects(study)
   for _, subject in ipairs(study.subjects) do
      local facts = subjects.facts(subject)
      io.write(("subject %-17s %s, %.1f M parameters\n"):format(subject.id, facts.architecture, facts.parameters / 1e6))
      if facts.provenance_note ~= "" then io.write("  note: " .. facts.provenance_note .. "\n") end
   end
end

local function print_totals(total)
   local b, free = sys.bytes, sys.free_disk "."
   io.write(("\nin all %s, %s of memory, %s on disk; %.0f GFLOP/s measured here. Nothing was run.\n")
               :format(duration(total.seconds), b(total.memory), b(total.disk), total.rate / 1e9))
   if total.disk > free then io.write(("note: only %s are free on the disk of this folder\n"):format(b(free))) end
end

local function print_plan(study, total)
   io.write(("study %s: %d variants, %d tasks\n\n"):format(study.name, #total.variants, #study.tasks))
   print_variants(total)
   print_runtimes(study)
   print_consumers(study)
   io.write "\n"
   for _, task in ipairs(study.tasks) do
      io.write(("task %-20s %-36s %s\n"):format(task.id, task:protocol().id, visible(study, task)))
   end
   for _, one in ipairs(study.missing) do
      io.write(("not available: %s %s: %s\n"):format(one.kind, one.label, one.reason))
   end
   for _, calibration in ipairs(study:calibrations()) do io.write(tostring(calibration), "\n") end
   print_subjects(study)
   print_totals(total)
end

function plan.print(study)
   subjects.check(study)
   local total = estimate.study(study)
   if sys.settings().json then
      io.write(json.encode(total, { indent = 2 }), "\n")
   else
      print_plan(study, total)
   end
   return 0
end

return plan
