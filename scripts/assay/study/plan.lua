-- assay plan: the matrix of a study with what each variant would cost. Estimates, never results.
-- Sizes follow from the recipe and the model's header; times from a short measurement of this machine.
local json = require("assay.native").json
local model = require "assay.model"
local native = require "assay.native"
local primary = require "assay.results.primary"

local plan = {}

local efficiency = 0.6          -- of the measured GEMM rate that a whole forward reaches
local write_rate = 400e6        -- bytes per second
local quantize_rate = 90e6      -- weights per second of a method without calibration
local calibrated_cost = 2       -- forwards over the calibration that a calibrated method is worth: pass, sums, solve
local tune_overhead = 1.7       -- attention and everything else that is no product, forwards and backwards

local dtype_bytes = { float32 = 4, bfloat16 = 2, float16 = 2, float64 = 8 }

-- Facts of a subject from its header.
function plan.facts(subject)
   if not subject.facts then
      subject.file = model.find(subject.path)
      subject.facts = native.model.inspect(subject.file)
   end
   return subject.facts
end

-- Bits of one quantized weight with its share of scales and zero points.
function plan.linear_bits(recipe, facts)
   local q = recipe.data.quantizer
   if not q then return 8 * facts.tensor_bytes / facts.parameters end
   local c = q.config
   local bits, group = c.bits or 4, c.group_size or 128
   local per_group = 16 + (c.symmetric == false and bits or 0)
   return group > 0 and bits + per_group / group or bits + per_group / facts.hidden
end

local function sizes(variant)
   local facts = plan.facts(variant.subject)
   local bits = plan.linear_bits(variant.recipe, facts)
   local rest = (facts.parameters - facts.linear_parameters) * facts.tensor_bytes / facts.parameters
   local bytes = variant.none and facts.tensor_bytes or facts.linear_parameters * bits / 8 + rest
   return { linear_bits = bits, bits = 8 * bytes / facts.parameters, bytes = bytes }
end

-- Seconds of a forward over that many tokens.
local function forward_seconds(facts, tokens, rate)
   local flops = 2 * (facts.linear_parameters + facts.vocabulary * facts.hidden)
   return tokens * flops / (rate * efficiency)
end

local function tokens_of(calibration)
   local o = calibration.options
   if not o.ids then return calibration:wanted() * o.length, calibration:wanted() end
   local tokens = 0
   for _, ids in ipairs(o.ids) do tokens = tokens + #ids end
   return tokens, #o.ids
end

-- Products of a calibrated method and of a tune: the float forward, ours twice, and backwards.
local function calibrated_seconds(variant, facts, rate)
   if not variant.calibration then return 0 end
   local tokens, sequences = tokens_of(variant.calibration)
   local seconds = calibrated_cost * tokens * 2 * facts.linear_parameters / (rate * efficiency)
   local tune = variant.recipe.data.tune
   if not tune then return seconds end
   local steps = (tune.steps or 0) > 0 and tune.steps or math.ceil(sequences / (tune.batch or 2))
   local seen = steps * (tune.batch or 2) * tokens / sequences
   local flops = 10 * facts.linear_parameters + 6 * facts.vocabulary * facts.hidden
   return seconds + tune_overhead * seen * flops / (rate * efficiency)
end

-- Estimated seconds of one stage: "identity", "quantize" or a task.
function plan.seconds(kind, variant, what, rate)
   local facts = plan.facts(variant.subject)
   if kind == "calibration" then return 2 end -- tokenizing and comparing texts
   if kind == "identity" then return 2 * facts.tensor_bytes / write_rate + 2 end
   if kind == "quantize" then
      return facts.linear_parameters / quantize_rate + sizes(variant).bytes / write_rate +
             calibrated_seconds(variant, facts, rate)
   end
   if kind == "preflight" then return forward_seconds(facts, 8 * 24 * 12 + 16 * 64, rate) + 1 end
   local tokens = what.definition.tokens and what.definition.tokens(what.options) or 32768
   if kind == "noise" then tokens = math.min(tokens, 8192) * 2 end -- few items, with fewer threads
   return forward_seconds(facts, tokens, rate) + 1
end

-- { variants = { { id, bits, linear_bits, bytes, seconds, memory } }, seconds, memory, disk }
function plan.estimate(study)
   local rate = native.tensor.gemm_rate()
   local dtype = dtype_bytes[native.sys.settings().dtype] or 4
   local total = { variants = {}, seconds = 0, memory = 0, disk = 0, rate = rate }
   for _, variant in ipairs(study:variants()) do
      local facts, row = plan.facts(variant.subject), sizes(variant)
      row.id, row.label, row.seconds = variant.id, variant.recipe.label, 0
      local first = variant.none and "identity" or "quantize"
      row.seconds = plan.seconds(first, variant, nil, rate)
      for _, task in ipairs(study.tasks) do
         row.seconds = row.seconds + plan.seconds("task", variant, task, rate)
      end
      row.memory = facts.parameters * dtype * (variant.none and 1 or 2) + 300e6
      total.variants[#total.variants + 1] = row
      total.seconds = total.seconds + row.seconds
      total.memory = math.max(total.memory, row.memory)
      total.disk = total.disk + (variant.none and 0 or row.bytes)
   end
   return total
end

local function duration(seconds) return "~" .. native.sys.duration(seconds) end

-- How much the change of a window's cross-entropy usually varies from window to window at four bits (0.017 to 0.026 in the studies here): nats, for
-- 1,024 tokens.
local USUAL_SPREAD <const> = 0.025

local function declared_margin(study, task)
   for _, one in ipairs(primary.list(study)) do
      if one.task == task.id then return one.margin end
   end
end

local function visible_of_items(task, margin)
   local o = task.options
   local n = o.items > 0 and o.items or o.dataset:info().records
   if not n then return "" end
   return ("%d items see differences from %.1f pp on%s"):format(n, 100 * native.stats.mde_paired(0.10, n),
          margin and (", margin %g pp"):format(margin) or "")
end

local function visible_of_windows(task, margin)
   local window = task.options.window
   local n = window and math.floor(task.definition.tokens(task.options) / window + 0.5) or 0
   if n < 2 then return "" end
   local spread = USUAL_SPREAD * math.sqrt(1024 / window)
   return ("about %d windows see changes from %.1f %% on%s"):format(
      n, 100 * (math.exp(native.stats.mde_mean(spread, n)) - 1), margin and (", margin %.3g %%"):format(100 * (margin - 1)) or "")
end

-- What a task will be able to see, if one answer in ten flips or windows vary as usual, beside what was declared.
local function visible(study, task)
   local kind, margin = task.definition.kind, declared_margin(study, task)
   if kind == "choice" or kind == "generation" then return visible_of_items(task, margin) end
   return kind == "perplexity" and visible_of_windows(task, margin) or ""
end

local function print_table(study, total)
   local b = native.sys.bytes
   io.write(("study %s: %d variants, %d tasks\n\n"):format(study.name, #total.variants, #study.tasks))
   io.write(("%-28s %10s %10s %10s %10s %10s\n"):format("variant", "bits/w all", "linears", "on disk",
                                                       "memory", "time"))
   for _, row in ipairs(total.variants) do
      io.write(("%-28s %10.2f %10.2f %10s %10s %10s\n"):format(row.id, row.bits, row.linear_bits,
               b(row.bytes), b(row.memory), duration(row.seconds)))
   end
   io.write "\n"
   for _, task in ipairs(study.tasks) do
      io.write(("task %-20s %-36s %s\n"):format(task.id, task:protocol().id, visible(study, task)))
   end
   for _, one in ipairs(study.missing) do
      io.write(("not available: %s %s: %s\n"):format(one.kind, one.label, one.reason))
   end
   for _, calibration in ipairs(study:calibrations()) do io.write(tostring(calibration), "\n") end
   for _, subject in ipairs(study.subjects) do
      local facts = plan.facts(subject)
      io.write(("subject %-17s %s, %.1f M parameters\n"):format(subject.id, facts.architecture,
                                                              facts.parameters / 1e6))
      if facts.provenance_note ~= "" then io.write("  note: " .. facts.provenance_note .. "\n") end
   end
   io.write(("\nin all %s, %s of memory, %s on disk; %.0f GFLOP/s measured here. Nothing was run.\n")
               :format(duration(total.seconds), b(total.memory), b(total.disk), total.rate / 1e9))
end

function plan.print(study)
   local total = plan.estimate(study)
   if native.sys.settings().json then
      io.write(json.encode(total, { indent = 2 }), "\n")
   else
      print_table(study, total)
   end
   return 0
end

return plan
