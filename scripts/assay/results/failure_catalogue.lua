-- Makes the failure catalogue, which lists for each prompt what quantization broke, and chooses the entries that a report shows: the
-- worst answers of each symptom, and answers drawn at random that are lost (right became wrong), gained (wrong became right),
-- identical, or none of these. So nobody chooses them by hand.

local detectors = require "assay.detectors"
local escape = require "assay.report.escape"
local native = require "assay.native"
local null, object, list = native.json.null, native.json.object, native.json.list

local failures = {}

local PER_CLUSTER <const> = 3 -- entries shown of each cluster (a symptom, or lost, gained, identical, other words)

-- The signs of assay.detectors, the gravest first. The symptom of an answer is the first of these signs that it shows and the
-- untouched model's answer does not show.
local GRAVITY <const> = { "F01", "F03", "F04", "F11", "F05", "F02", "F08", "F09", "F06", "F07", "F13", "F12", "F22",
   "F18", "F19", "F16", "F10" }

local function symptom_of(flags, base_flags)
   for _, id in ipairs(GRAVITY) do if flags[id] ~= nil and base_flags[id] == nil then return id end end
end

-- sev0: no usable text; sev1: a right answer became wrong; sev2: another sign; sev3: none of these.
local function severity_of(symptom, base_ok, quant_ok)
   if symptom == "F01" or symptom == "F03" or symptom == "F04" or symptom == "F05" or symptom == "F11" then
      return "sev0"
   end
   if base_ok and quant_ok == false then return "sev1" end
   return symptom and "sev2" or "sev3"
end

local function sorted_ids(flags)
   local ids = {}
   for id in pairs(flags) do ids[#ids + 1] = id end
   table.sort(ids)
   return ids
end

local function or_null(value) if value == nil then return null end return value end

-- The bytes [from, to) of the token number `place` (counted from 0) in the answer's text; null if the text ends before this token.
local function bytes_of(output, place)
   local ends = output.ends or {}
   if not place or not ends[place + 1] then return null end
   local from, to = place > 0 and ends[place] or 0, ends[place + 1]
   return to > from and to <= #output.text and list { from, to } or null
end

-- One of the two answers of an entry. place: the number of the first token that differs, or nil.
local function side_of(output, place)
   return object { { "text", output.text }, { "n_tokens", output.tokens }, { "finish_reason", output.finish },
      { "extracted", or_null(output.extracted) }, { "score", or_null(output.score) },
      { "mean_logprob", or_null(output.mean_logprob) }, { "divergence_bytes", bytes_of(output, place) } }
end

-- Whether an answer fails and the untouched model's greedy answer does not: it shows a sign that the other does not show, or it is
-- wrong and the other is right.
local function fails(record, reference, summary, base_flags)
   local symptom = symptom_of(detectors.sample(record, summary), base_flags)
   return symptom ~= nil or reference.ok == true and record.ok == false
end

-- The prompt was asked again k times with sampling. Counts how many of these answers fail, and how many of the untouched model's.
local function recurrence_of(record, reference, summary, base_flags)
   if not record.draws or #record.draws == 0 then return null end
   local function count(draws)
      local n = 0
      for _, draw in ipairs(draws or {}) do
         draw.prompt = record.prompt
         if fails(draw, reference, summary, base_flags) then n = n + 1 end
      end
      return n
   end
   return object { { "k", #record.draws }, { "fails", count(record.draws) }, { "base_fails", count(reference.draws) } }
end

-- At which step the answer went wrong, as far as a program can tell: "format", "abstention" (the answer to a lost item is one of the
-- protocol's words for "no answer"), or "none" for unknown.
local function stage_of(symptom, lost, record, abstentions)
   if symptom == "F16" then return "format" end
   local answer = lost and type(record.extracted) == "string" and record.extracted:lower()
   for _, word in ipairs(answer and abstentions or {}) do if answer == word then return "abstention" end end
   return "none"
end

-- One entry, with every field that reports/report.schema.json requires of it; reports/schema-answers.md explains some of them.
-- judged: { symptom, flags, lost, gained, place, recurrence }.
local function entry_of(record, reference, facts, judged)
   local symptom, protocol = judged.symptom, facts.protocol
   return object { { "prompt_id", record.id }, { "category", record.category or "" },
      { "baseline_ok", or_null(reference.ok) }, { "quant_issue", symptom ~= nil or judged.lost },
      { "symptom", symptom or (judged.lost and "wrong" or "") }, { "notes", "" },
      { "study_id", or_null(facts.study) }, { "run_id", or_null(facts.run) }, { "task", or_null(facts.task) },
      { "prompt_hash", or_null(record.prompt_hash) }, { "protocol_id", protocol.id }, { "variant", facts.variant },
      { "quant_ok", or_null(record.ok) }, { "aa_stable", or_null((facts.stable or {})[record.id]) },
      { "severity", severity_of(symptom, reference.ok, record.ok) }, { "symptoms", list(sorted_ids(judged.flags)) },
      { "detector_values", judged.flags },
      { "error_stage", stage_of(symptom, judged.lost, record, protocol.abstentions) },
      { "first_divergence_token", or_null(judged.place) },
      { "base_margin_at_divergence", or_null(judged.place and (reference.margins or {})[judged.place + 1]) },
      { "mean_kld_prompt", or_null(record.mean_kld) }, { "prompt", record.prompt }, { "lost", judged.lost },
      { "gained", judged.gained }, { "identical", record.text == reference.text },
      { "base", side_of(reference, judged.place) }, { "quant", side_of(record, judged.place) },
      { "seed", or_null(facts.seed) }, { "decode", object { { "kind", protocol.decode },
         { "max_tokens", or_null(protocol.max_tokens) }, { "template", or_null(protocol.template) } } },
      { "repro_cmd", null }, { "recurrence", judged.recurrence },
      { "cluster_id", symptom or (judged.lost and "lost") or "" }, { "root_cause", symptom == "F01" and "nan" or "unknown" },
      { "status", "open" }, { "labelled_by", "auto" } }
end

-- Returns one entry for each prompt. base, quant: lists of records { id, category, prompt, text, ids, ends, margins, tokens, finish,
-- ok, mean_kld, draws } of the untouched model and of the variant. ok: whether the answer is right, nil if the task does not grade it.
-- facts: { study, variant, run, task, protocol, seed, stable }. stable: for each item whether the untouched model gave the same answer
-- when it was measured twice.
function failures.entries(base, quant, facts)
   local summary = detectors.compare.summary(base)
   local out = {}
   for i, record in ipairs(quant) do
      local reference = base[i]
      local flags, base_flags = detectors.sample(record, summary), detectors.sample(reference, summary)
      out[i] = entry_of(record, reference, facts, { symptom = symptom_of(flags, base_flags), flags = flags,
         lost = reference.ok == true and record.ok == false, gained = reference.ok == false and record.ok == true,
         place = reference.ids and record.ids and native.stats.first_divergence(record.ids, reference.ids) or nil,
         recurrence = recurrence_of(record, reference, summary, base_flags) })
   end
   return out
end

-- Shuffles the entries. The order depends only on the seed and on their ids.
local function drawn(entries, seed)
   local keyed = {}
   for i, entry in ipairs(entries) do keyed[i] = { native.fs.sha256(seed .. "\0" .. entry.prompt_id), entry } end
   table.sort(keyed, function(a, b) return a[1] < b[1] end)
   local out = {}
   for i, pair in ipairs(keyed) do out[i] = pair[2] end
   return out
end

-- Sorts the worst entry of a symptom first: by severity, then by the number of signs, then by how early
-- the answers differ.
local function worst_first(a, b)
   if a.severity ~= b.severity then return a.severity < b.severity end
   if #a.symptoms ~= #b.symptoms then return #a.symptoms > #b.symptoms end
   local x, y = tonumber(a.first_divergence_token) or math.huge, tonumber(b.first_divergence_token) or math.huge
   if x ~= y then return x < y end
   return a.prompt_id < b.prompt_id
end

-- Chooses the entries for a report: the three worst of each symptom, and three at random of the losses, gains, identical answers and
-- other answers. Returns { { why = "symptom F05, 1 of 7", entry }, ... }.
function failures.select(entries, seed)
   local clusters, order = {}, {}
   local function put(name, entry)
      if not clusters[name] then
         clusters[name] = {}
         order[#order + 1] = name
      end
      table.insert(clusters[name], entry)
   end
   for _, entry in ipairs(drawn(entries, seed)) do
      if entry.symptom:match "^F%d" then put("symptom " .. entry.symptom, entry)
      elseif entry.lost then put("lost", entry)
      elseif entry.gained then put("gained", entry)
      elseif entry.identical then put("identical", entry)
      else put("other words", entry) end
   end
   table.sort(order)
   for _, name in ipairs(order) do if name:find "^symptom" then table.sort(clusters[name], worst_first) end end
   local chosen = {}
   for _, name in ipairs(order) do
      for k = 1, math.min(PER_CLUSTER, #clusters[name]) do
         chosen[#chosen + 1] = { why = name .. ", " .. k .. " of " .. #clusters[name], entry = clusters[name][k] }
      end
   end
   return chosen
end

-- How often each symptom occurs, with Wilson's interval: { { symptom, count, items, low, high }, ... }.
function failures.prevalence(entries)
   local counts, names = {}, {}
   for _, entry in ipairs(entries) do
      local name = entry.symptom ~= "" and entry.symptom or nil
      if name and not counts[name] then
         counts[name] = 0
         names[#names + 1] = name
      end
      if name then counts[name] = counts[name] + 1 end
   end
   table.sort(names)
   local out = {}
   for i, name in ipairs(names) do
      local interval = native.stats.wilson(counts[name], #entries)
      out[i] = { symptom = name, count = counts[name], items = #entries, low = interval.low, high = interval.high }
   end
   return out
end

local function mark(value)
   if value == nil or value == null then return "" end
   return value and "yes" or "no"
end

-- Shortens an id for a table. Some datasets have no ids; then the whole question is the id.
local function shortened(id)
   if #id <= 48 then return id end
   local cut = id:sub(1, 45)
   while not utf8.len(cut) do cut = cut:sub(1, -2) end
   return cut .. "\u{2026}"
end

-- A Markdown table with one row for each chosen entry.
function failures.markdown(chosen)
   local out = { "| prompt_id | category | baseline_ok | quant_issue | symptom | notes |",
      "| --- | --- | --- | --- | --- | --- |" }
   for _, item in ipairs(chosen) do
      local e = item.entry
      local title = detectors.title(e.symptom)
      out[#out + 1] = "| " .. table.concat({ escape.markdown(shortened(e.prompt_id)), escape.markdown(e.category),
         mark(e.baseline_ok), mark(e.quant_issue),
         escape.markdown(e.symptom .. (title and " " .. title or "")), escape.markdown(item.why) }, " | ") .. " |"
   end
   return table.concat(out, "\n") .. "\n"
end

-- The text of failures.jsonl: every entry, chosen or not. command: how to run the study again. It is added only to these lines,
-- since report.json has it once for all entries.
function failures.jsonl(entries, command)
   local out = {}
   for i, entry in ipairs(entries) do
      local row = object {}
      for key, value in pairs(entry) do row[key] = value end -- in the order of the entry
      if command then row.repro_cmd = command end
      out[i] = native.json.encode(row) .. "\n"
   end
   return table.concat(out)
end

return failures
