-- Tables of a report as plain texts, laid out by the page and by Markdown alike, so that the two cannot differ.
-- Each function of the view returns { hint, headers, rows, numeric = first numeric column } or nil when there is nothing.
-- Not the result tables (view.lua) and no markup.

local format = require "assay.report.format"
local words = require "assay.report.words"

local tables = {}

-- A value over its interval: two lines of one cell.
local function with_interval(number, scale, sign, unit)
   if not (number and number.value) then return "" end
   local i = number.interval
   local value = number.value * (scale or 1)
   if not i then return (sign and format.signed or format.fixed)(value, 4) .. (unit or "") end
   local half = (i.high - i.low) / 2 * (scale or 1)
   local decimals = math.max(1, format.decimals_for(half))
   return (sign and format.signed or format.fixed)(value, decimals) .. (unit or "") .. "\n"
      .. format.range(i.low, i.high, scale, sign)
end

local function nats(x) return x and format.significant(x, 3) or "" end

-- ---- what was declared before the run -------------------------------------------------------------

function tables.declared(v)
   local study, rows = v.report.study, {}
   for _, one in ipairs(study.primary or {}) do
      local task = v.task[one.task] or {}
      local mde
      for _, result in ipairs(v.report.results) do
         if result.task == one.task and result.metric == one.metric and result.mde
            and (not mde or result.mde.value > mde.value) then
            mde = result.mde
         end
      end
      local margin = one.unit == "ratio" and "+" .. format.plain(100 * (one.margin - 1)) .. " %"
         or format.plain(one.margin) .. " " .. one.unit
      rows[#rows + 1] = { task.title or one.task, words.metric(one.metric), margin, mde and format.mde(mde) or "" }
   end
   if #rows == 0 then return end
   local excluded = #(v.report.excluded or {})
   local without = excluded == 0 and "" or (", without the %s on which the untouched model does no better than guessing"):format(
      excluded == 1 and "task" or excluded .. " tasks")
   local how = study.preregistered and "Declared in the study file before the run" or "By default each task's first metric"
   return { hint = how .. ". Error level " .. format.plain(study.alpha or 0.05) .. ", two-sided, adjusted by "
      .. (study.multiplicity or "holm"):gsub("^%l", string.upper) .. " over all primary comparisons of the study"
      .. without .. ".",
      headers = { "task", "primary metric", "largest loss that counts as none", "smallest visible difference, at worst" },
      rows = rows, numeric = 3 }
end

-- ---- recipes --------------------------------------------------------------------------------------

local function settings_of(config)
   local keys, out = {}, {}
   for key in pairs(config or {}) do keys[#keys + 1] = key end
   table.sort(keys)
   for _, key in ipairs(keys) do
      local value = config[key]
      if type(value) ~= "table" then out[#out + 1] = key .. " = " .. tostring(value) end
   end
   return table.concat(out, ", ")
end

function tables.methods(v)
   local rows = {}
   for _, variant in ipairs(v.report.variants) do
      local recipe = variant.recipe
      if recipe then
         local steps = {}
         for _, transform in ipairs(recipe.transforms or {}) do
            steps[#steps + 1] = transform.id .. " (" .. settings_of(transform.config) .. ")"
         end
         local q = recipe.quantizer
         if q then steps[#steps + 1] = q.id .. " (" .. settings_of(q.config) .. ")" end
         local keep = {}
         for _, name in ipairs(recipe.keep or {}) do keep[#keep + 1] = name end
         rows[#rows + 1] = { v:label(variant.id), table.concat(steps, ", then "), #keep > 0 and table.concat(keep, ", ") or "nothing",
            variant.calibration or "none", variant.status == "ok" and "made" or (variant.status or ""):gsub("_", " ") }
      end
   end
   if #rows == 0 then return end
   return { hint = "Every knob of every recipe, as it was run.", headers = { "variant", "steps", "kept untouched",
      "calibration", "" }, rows = rows }
end

-- ---- validity -------------------------------------------------------------------------------------

-- differing: only what came out unlike, the others are a number in the hint; else only what came out equal.
function tables.noise(v, differing)
   local rows, how, n, equal = {}, nil, 0, 0
   for _, one in ipairs(v.report.aa_noise or {}) do
      how, n = how or one.how, n + 1
      if one.value == 0 then equal = equal + 1 end
   end
   for _, one in ipairs(v.report.aa_noise or {}) do
      if (one.value ~= 0) ~= differing then goto continue end
      local value = one.unit == "count" and format.count(one.value) .. " of " .. one.items
         or (one.value == 0 and "0" or format.significant(one.value, 2)) .. " " .. one.unit
      rows[#rows + 1] = { one.subject, (v.task[one.task] or {}).title or one.task, words.metric(one.metric), tostring(one.items),
         one.quantity, value }
      ::continue::
   end
   if n == 0 then return end
   local hint = differing and ("The untouched subject measured twice (%s): %d of %d numbers came out equal%s."):format(how, equal, n,
      #rows > 0 and ", the others differ by this much, and a difference below it is none" or "") or nil
   return { hint = hint,
      headers = { "subject", "task", "metric", "items", "", "between two runs" }, rows = rows, numeric = 6 }
end

-- Which variant has how many items of which task.
function tables.completeness(v)
   local headers, rows = { "variant" }, {}
   local groups = {}
   for _, group in ipairs(v:groups()) do
      if not groups[group.task.id] then
         groups[group.task.id] = group
         groups[#groups + 1] = group
         headers[#headers + 1] = group.task.title or group.task.id
      end
   end
   if #groups == 0 then return end
   for _, variant in ipairs(v.report.variants) do
      local row = { v:label(variant.id) }
      for _, group in ipairs(groups) do
         local counts
         for _, result in ipairs(group.results) do if result.variant == variant.id then counts = result.counts or {} end end
         row[#row + 1] = counts and format.count(counts.items or counts.tokens or 0)
            .. (counts.items and " items" or " tokens") or (variant.status or "missing"):gsub("_", " ")
      end
      rows[#rows + 1] = row
   end
   return { headers = headers, rows = rows, numeric = 2 }
end

-- ---- distance -------------------------------------------------------------------------------------

local PLACES <const> = { within = "within", beyond = "beyond", unresolved = "unresolved" }

function tables.distance(v)
   local rows, margin, counts = {}, nil, nil
   for _, d in ipairs(v.report.distance or {}) do
      margin, counts = d.margin, d.counts
      local p = d.percentiles or {}
      rows[#rows + 1] = { v:label(d.variant), with_interval(d.kld), nats(p.p50), nats(p.p90), nats(p.p99), nats(p["p99.9"]),
         nats(p.max), with_interval(d.same_top, 100, false, " %"), with_interval(d.top5_shared, 100, false, " %"),
         with_interval(d.delta_p, 100, true, " pp"), PLACES[d.against_margin] or "" }
   end
   if #rows == 0 then return end
   return { hint = ("KL divergence of the untouched subject's next-token distribution from the variant's, nats per token, over "
      .. "%s tokens in %s windows; margin %s nats. Same top: share of tokens with the same likeliest next token; "
      .. "top five: share of the five likeliest in common; right token: change of its probability. "
      .. "Intervals: bootstrap over windows."):format(format.count(counts.tokens),
      format.count(counts.windows), format.plain(margin)),
      headers = { "variant", "mean divergence", "median", "90 %", "99 %", "99.9 %", "largest", "same top",
         "top five", "right token", "margin" }, rows = rows, numeric = 2 }
end

function tables.confidence(v)
   local headers, rows = { "variant" }, {}
   for _, d in ipairs(v.report.distance or {}) do
      local row = { v:label(d.variant) }
      for i, bucket in ipairs(d.buckets or {}) do
         headers[i + 1] = format.plain(bucket.low) .. " to " .. format.plain(bucket.high) .. " (" .. format.count(bucket.tokens)
            .. " tokens)"
         row[i + 1] = bucket.kld_mean and nats(bucket.kld_mean) or "no tokens"
      end
      rows[#rows + 1] = row
   end
   if #rows == 0 then return end
   return { hint = "Mean divergence by the untouched subject's largest probability. Where it is undecided itself, a difference "
      .. "costs little; where it was sure, it is damage.", headers = headers, rows = rows, numeric = 2 }
end

function tables.delta_p(v)
   local names = { "p0.1", "p1", "p5", "p25", "p50", "p75", "p95", "p99", "p99.9" }
   local rows = {}
   for _, d in ipairs(v.report.distance or {}) do
      local row = { v:label(d.variant), format.significant(100 * (d.delta_p_rms or 0), 3) .. " pp" }
      for _, name in ipairs(names) do
         row[#row + 1] = format.signed(100 * ((d.delta_p_percentiles or {})[name] or 0), 1)
      end
      rows[#rows + 1] = row
   end
   if #rows == 0 then return end
   local headers = { "variant", "root mean square" }
   for _, name in ipairs(names) do headers[#headers + 1] = name:sub(2) .. " %" end
   return { hint = "Change of the right token's probability in points, by percentile. Symmetric tails are noise; a heavier "
      .. "negative tail is damage.", headers = headers, rows = rows, numeric = 2 }
end

-- ---- base and tuned -------------------------------------------------------------------------------

-- Changed answers by how sure the untouched model was.
function tables.changed(v)
   local rows = {}
   for _, one in ipairs(v.report.changed_answers or {}) do
      local row, n, changed = { v:label(one.variant), (v.task[one.task] or {}).title or one.task, "" }, 0, 0
      for i, part in ipairs(one.quarters) do
         n, changed = n + part.items, changed + part.changed
         row[3 + i] = part.changed .. " of " .. part.items .. "\n" .. ("%.2f to %.2f nats"):format(part.from, part.to)
      end
      row[3] = changed .. " of " .. n
      rows[#rows + 1] = row
   end
   if #rows == 0 then return end
   return { hint = "Answers that another choice replaces, right or wrong, by how far the untouched model's first choice led its second. "
      .. "Rounding changes what was undecided; changes among the surest are damage.",
      headers = { "variant", "task", "changed", "least sure quarter", "second", "third", "surest quarter" }, rows = rows, numeric = 3 }
end

function tables.interaction(v)
   local rows = {}
   for _, one in ipairs(v.report.interaction or {}) do
      local half = (one.high - one.low) / 2
      local finding = one.low > 0 and "differs" or one.high < 0 and "differs" or "not resolved"
      rows[#rows + 1] = { one.label, (v.task[one.task] or {}).title or one.task, words.metric(one.metric),
         format.signed(one.estimate, format.decimals_for(half)) .. " " .. one.unit, format.range(one.low, one.high, 1, true),
         finding }
   end
   if #rows == 0 then return end
   local one = v.report.interaction[1]
   return { hint = ("Change of %s less change of %s, item by item: does the second lose more than the first? %s")
      :format(one.second, one.first, one.method),
      headers = { "recipe", "task", "metric", "difference of the changes", "95 % interval", "" }, rows = rows, numeric = 4 }
end

-- ---- what a reader may conclude -------------------------------------------------------------------

local PASSING <const> = { ["non-inferior"] = true, equivalent = true, better = true, tie = true }

-- One line per variant: the condition under which its verdict allows its use.
-- The signs that a variant's answers show more often than seldom, task by task.
local function seen_in_answers(v, variant)
   local out = {}
   for _, part in ipairs(v.report.failures or {}) do
      local signs = {}
      for _, item in ipairs(part.variant == variant.id and part.prevalence or {}) do
         if item.low > 0.02 then signs[#signs + 1] = v:symptom(item.symptom) .. " in " .. item.count .. " of " .. item.items end
      end
      local task = (v.task[part.task] or {}).title or part.task
      if #signs > 0 then out[#out + 1] = (task and task .. ": " or "") .. table.concat(signs, ", ") end
   end
   return out
end

function tables.decision(v)
   local rows = {}
   for _, variant in ipairs(v.report.variants) do
      local judged = v.verdict_of[variant.id]
      local verdict, result = judged and judged.verdict or "not_run", v:deciding_result(variant.id)
      if variant.recipe then
         local text
         if variant.collapsed then
            text = "Not usable: " .. table.concat(variant.collapsed, "; ")
         elseif PASSING[verdict] then
            text = "Acceptable for what was measured here: every primary metric lies within its margin"
         elseif verdict == "worse" and result and result.within_margin then
            text = "Where a loss below the declared margin counts as none: it is resolved, and smaller than that"
         elseif verdict == "worse" then
            local loss = {}
            for _, because in ipairs(judged.because or {}) do
               local task = v.task[because.task] or {}
               local metric, title = words.metric(because.metric), task.title or because.task
               loss[#loss + 1] = title:lower():find(metric:lower(), 1, true) == 1 and title or metric .. " on " .. title
            end
            text = "Only where a loss may be paid for its size; lost: " .. table.concat(loss, "; ")
         elseif verdict == "invalid" then
            text = "No statement: a blocking check failed"
         else
            text = "Open: measure more items before deciding"
         end
         local failures = seen_in_answers(v, variant)
         rows[#rows + 1] = { v:label(variant.id), words.short(verdict, result), text,
            table.concat(failures, "; ") }
      end
   end
   if #rows == 0 then return end
   return { hint = "Follows from the verdicts and the failure catalogue alone.", headers = { "variant", "verdict", "when it may be used",
      "seen in its answers" }, rows = rows }
end

-- Which part of its text or set a task measured. Reports without 'windows' were made of the first ones.
local function part_text(p)
   if not p.limit then return ("%d items were measured, drawn with seed %s"):format(p.items, p.seed or "none") end
   if p.windows == "drawn" then
      return ("%d windows were measured, drawn over the whole text with seed %s"):format(p.limit, p.seed)
   end
   if p.name and p.name:find "wikitext" then
      return ("%d documents were measured, drawn with seed %s"):format(p.limit, p.seed or "none")
   end
   return ("Only the first %d windows were measured, as in numbers to compare with"):format(p.limit)
end

-- What limits these conclusions, from what the report holds.
function tables.threats(v)
   local rows, report = {}, v.report
   local function add(what, why) rows[#rows + 1] = { what, why } end
   for _, subject in ipairs(report.subjects) do
      if subject.provenance_note and subject.provenance_note ~= "" then
         add("The starting point", (subject.name or subject.id) .. ": " .. subject.provenance_note)
      end
   end
   if #report.subjects == 1 then add("One model", "Other sizes and families lose differently; small models lose more") end
   for _, task in ipairs(report.tasks) do
      local p = task.protocol or {}
      if p.limit or (p.items or 0) > 0 then
         add("A part of " .. (task.title or task.id), part_text(p))
      end
   end
   local fake
   for _, variant in ipairs(report.variants) do fake = fake or variant.forward == "fake" end
   if fake then add("Simulated arithmetic", "Quality is that of the stored weights, computed in full precision; speed is not measured") end
   for _, one in ipairs(report.study.not_available or {}) do
      add("Not available: " .. one.label, one.reason)
   end
   if #(report.aa_noise or {}) == 0 then add("No noise floor", "The untouched subject was measured only once") end
   local skipped = {}
   for _, task in ipairs(report.tasks) do
      if task.not_evaluated and task.not_evaluated > 0 then
         skipped[#skipped + 1] = task.not_evaluated .. " of " .. (task.title or task.id)
      end
   end
   if #skipped > 0 then add("Items left out", table.concat(skipped, "; ") .. ": no gold answer, or longer than the context") end
   if #rows == 0 then return end
   return { headers = { "limit", "what it means" }, rows = rows }
end

return tables
