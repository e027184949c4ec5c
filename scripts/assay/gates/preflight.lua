-- Gates P2 to P8 from what the stages hold: each a status, its evidence and what it means when it fails.
-- Not the looking itself (preflight.lua).
local detectors = require "assay.detectors"
local native = require "assay.native"
local plan = require "assay.study.plan"
local preflight = require "assay.study.stages.preflight"
local variants = require "assay.study.variant"
local json = native.json
local null = json.null

local titles <const> = {
   P2 = { "the changed tensors are the declared ones", "block",
          "something else than the declared linears was changed, or not all of them were" },
   P3 = { "stored bytes follow from the bits", "block", "the files are not as large as the bits per weight say" },
   P4 = { "weights are finite", "block", "a stored weight is not a finite number" },
   P5 = { "the error grows smoothly", "flag", "one block's error is more than ten times the one before it" },
   P6 = { "eight short answers are text", "block", "most of eight short answers are broken" },
   P7 = { "calibration sequences are whole", "block", "calibration texts were torn apart or are missing" },
   P8 = { "the untouched model is above trivial scores", "flag",
          "the untouched model does not do better than guessing: nothing can be compared on that task" },
}

local header_bytes <const> = 256 * 1024 -- names and shapes, which tiny models consist of

local function gate(id, scope, status, evidence)
   local title, severity, message = table.unpack(titles[id])
   return json.object { { "id", id }, { "title", title }, { "severity", severity }, { "status", status },
                        { "scope", scope or null }, { "evidence", evidence },
                        { "message", status == "fail" and message or "" } }
end

local function passed(ok) return ok and "pass" or "fail" end

local function some(list)
   local n = #list
   return table.concat(list, ", ", 1, math.min(3, n)) .. (n > 3 and (" and %d more"):format(n - 3) or "")
end

-- { [tensor] = true }: the quantized linears, their number, and those with what stages say they edited beside them
-- (transforms fold scales into norms, rotations turn the embedding, tuning trains norms).
local function declared_tensors(summary)
   local linears, n, all = {}, 0, {}
   for _, linear in ipairs(summary.linears or {}) do
      local name = linear.name:find "%.weight$" and linear.name or linear.name .. ".weight"
      linears[name], all[name] = true, true
      n = n + 1
   end
   for _, name in ipairs(summary.edited) do all[name] = true end
   return linears, n, all
end

local function census_gates(variant, made, looked)
   local census = looked.census
   if not census or not made.summary.edited then
      local why = census and "the stage is of an earlier version, which kept no list of what it edited"
                  or "no checkpoint was written"
      return gate("P2", variant.id, "not_run", why), gate("P4", variant.id, "not_run", why)
   end
   local linears, n_declared, declared = declared_tensors(made.summary)
   local odd, seen, broken = {}, {}, {}
   local most, where = 0, "none"
   for _, tensor in ipairs(census.changed) do
      seen[tensor.name] = true
      if not declared[tensor.name] then odd[#odd + 1] = tensor.name .. " was changed" end
      if not tensor.finite then broken[#broken + 1] = tensor.name end
      if tensor.zero_share > most then most, where = tensor.zero_share, tensor.name end
   end
   for name in pairs(linears) do if not seen[name] then odd[#odd + 1] = name .. " is unchanged" end end
   for _, name in ipairs(census.missing) do odd[#odd + 1] = name .. " is missing" end
   table.sort(odd)
   local head = seen["lm_head.weight"] or seen["model.embed_tokens.weight"]
   local text = ("%d linears declared, %d tensors changed, %d equal bit for bit, head and embedding %s")
                   :format(n_declared, #census.changed, census.equal, head and "changed" or "untouched")
   return gate("P2", variant.id, passed(#odd == 0), #odd == 0 and text or some(odd)),
          gate("P4", variant.id, passed(#broken == 0), #broken > 0 and some(broken)
                  or ("all finite; largest share of weights rounded to zero %.1f %%, in %s"):format(100 * most, where))
end

local function bytes_gate(variant, made, files_bytes)
   if not files_bytes or files_bytes == null then return gate("P3", variant.id, "not_run", "no checkpoint was written") end
   local parameters = plan.facts(variant.subject).parameters
   local theory = parameters * made.summary.bits_per_weight / 8
   return gate("P3", variant.id, passed(math.abs(files_bytes - theory) <= 0.05 * theory + header_bytes),
               ("%.1f MB on disk, %.1f MB from the bits"):format(files_bytes / 1e6, theory / 1e6))
end

local function growth_gate(variant, errors)
   if not errors then return gate("P5", variant.id, "not_run", "the study reads no text") end
   for i = 2, #errors do
      if errors[i] > 10 * errors[i - 1] and errors[i] > 1e-3 then
         return gate("P5", variant.id, "fail", ("block %d: %.3g after %.3g"):format(i - 1, errors[i], errors[i - 1]))
      end
   end
   return gate("P5", variant.id, "pass", ("relative error of the residual stream %.3g after the first block, %.3g after the last")
                  :format(errors[1], errors[#errors]))
end

local SMOKE <const> = { F01 = true, F03 = true, F04 = true, F05 = true, F11 = true, F13 = true }

local function broken_answers(outputs)
   local n = 0
   for _, output in ipairs(outputs) do
      local flags = detectors.sample(output)
      for id in pairs(flags) do if SMOKE[id] then n = n + 1 break end end
   end
   return n
end

local function smoke_gate(variant, looked, reference)
   local own, base = broken_answers(looked.outputs), reference and broken_answers(reference.outputs) or 0
   local n = #looked.outputs
   return gate("P6", variant.id, passed(own <= n // 2 or own <= base),
               ("%d of %d answers show signs of breakage, %d of the untouched model's"):format(own, n, base))
end

-- Every calibration that a recipe uses, the study's or its own.
local function calibration_gate(context, report)
   local used = false
   for _, recipe in ipairs(context.study.recipes) do used = used or recipe.calibrated end
   if not used then return gate("P7", nil, "pass", "nothing is calibrated") end
   local sequences, tokens, shortest = 0, 0, math.huge
   for _, made in ipairs(report.calibrations) do
      sequences, tokens = sequences + made.sequences, tokens + made.tokens
      shortest = math.min(shortest, made.shortest)
   end
   if sequences == 0 then return gate("P7", nil, "not_run", "no calibration was made") end
   return gate("P7", nil, passed(shortest >= 16),
               ("%d sequences, %d tokens, the shortest of %d"):format(sequences, tokens, shortest))
end

-- The trivial baseline that a score cannot be told from, or nil.
local function at_trivial(result, counts, baselines)
   if counts.correct then
      local found = detectors.compare.at_trivial(counts.correct, counts.items, baselines)
      return found.status == "flag" and { name = found.baseline, value = found.value } or nil
   end
   local low = result.interval ~= null and result.interval.low or result.value
   for _, one in ipairs(baselines) do if one.value >= low then return one end end
end

-- { [subject id .. task id] = true } where the untouched model is at a trivial score, and the gates.
local function baseline_gates(context, report, out)
   local invalid = {}
   local tasks = {}
   for _, task in ipairs(report.tasks) do tasks[task.id] = task end
   for _, variant in ipairs(context.study:variants()) do
      if variant.none then
         local low, checked = {}, 0
         for _, result in ipairs(report.results) do
            local counts = result.counts
            if result.variant == variant.id and result.primary and result.direction ~= "lower"
               and result.unit == "fraction" and result.value ~= null then
               local baselines = {}
               for _, one in ipairs(tasks[result.task].baselines) do
                  if one.metric == null or one.metric == result.metric then baselines[#baselines + 1] = one end
               end
               checked = checked + 1
               local found = at_trivial(result, counts, baselines)
               if found then
                  low[#low + 1] = ("%s %.1f %% against %s %.1f %%"):format(result.task, 100 * result.value, found.name,
                                                                       100 * found.value)
                  invalid[variant.subject.id .. "\0" .. result.task] = true
               end
            end
         end
         out[#out + 1] = gate("P8", variant.subject.id, checked == 0 and "not_run" or passed(#low == 0),
                              checked == 0 and "no task with a trivial score" or #low > 0 and some(low)
                                 or ("%d tasks above their trivial scores"):format(checked))
         -- it does not invalidate the subject: the tasks are excluded one by one
      end
   end
   return invalid
end

-- Appends the gates to report.gates; returns the tasks whose baseline is invalid. bytes_of(id) -> weight bytes on disk.
return function(context, report, bytes_of)
   local out, by_subject = report.gates, {}
   for _, variant in ipairs(context.study:variants()) do
      local stage = not context.failed[variant.id] and context.store:find(preflight.key(context, variant))
      if stage and variant.none then by_subject[variant.subject.id] = stage.result end
      if stage then
         if not variant.none then
            local made = context.store:find(variants.quantize_key(context, variant)).result
            local p2, p4 = census_gates(variant, made, stage.result)
            out[#out + 1] = p2
            out[#out + 1] = bytes_gate(variant, made, bytes_of(variant.id))
            out[#out + 1] = p4
            out[#out + 1] = growth_gate(variant, stage.result.block_errors)
         end
         out[#out + 1] = smoke_gate(variant, stage.result, by_subject[variant.subject.id])
      end
   end
   out[#out + 1] = calibration_gate(context, report)
   return baseline_gates(context, report, out)
end
