-- The failure catalogue: what quantization broke, as rows for people and for scripts. Selection is part of the honesty: the
-- worst of each symptom, random losses and gains, and random agreements, so that a reader also sees what was not selected.
-- Not the detectors (assay.detectors), whose findings it sorts.

local detectors = require "assay.detectors"
local escape = require "assay.report.escape"
local native = require "assay.native"

local failures = {}

local PER_CLUSTER <const> = 3

-- Order of gravity: the first of these that an answer shows is its symptom.
local GRAVITY <const> = { "F01", "F03", "F04", "F11", "F05", "F02", "F08", "F09", "F06", "F07", "F13", "F12", "F22",
  "F18", "F19", "F16", "F10" }

local function symptom_of(flags, base_flags)
  for _, id in ipairs(GRAVITY) do if flags[id] ~= nil and base_flags[id] == nil then return id end end
end

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

-- One entry per prompt. base, quant: lists of records { id, category, prompt, text, ids, tokens, finish, ok }; ok is whether
-- the answer was graded right, nil if nobody graded it. facts: { variant, method, run, protocol, seed, stable, command };
-- stable: which of the reference's answers came out again in the A/A run.
function failures.entries(base, quant, facts)
  local summary = detectors.compare.summary(base)
  local out = {}
  for i, record in ipairs(quant) do
    local reference = base[i]
    local flags, base_flags = detectors.sample(record, summary), detectors.sample(reference, summary)
    local symptom = symptom_of(flags, base_flags)
    local lost = reference.ok == true and record.ok == false
    local gained = reference.ok == false and record.ok == true
    local place = reference.ids and record.ids and native.stats.first_divergence(record.ids, reference.ids) or nil
    out[i] = { prompt_id = record.id, category = record.category or "", baseline_ok = reference.ok,
      quant_issue = symptom ~= nil or lost,
      symptom = symptom or (lost and "wrong" or ""), notes = "", quant_ok = record.ok,
        severity = severity_of(symptom, reference.ok, record.ok),
      symptoms = native.json.list(sorted_ids(flags)), detector_values = flags, first_divergence_token = place, variant = facts.variant,
      study_id = facts.study, task = facts.task, cluster_id = symptom or (lost and "lost") or "", root_cause = "unknown",
      status = "open", labelled_by = "auto",
      prompt_hash = record.prompt_hash, error_stage = symptom == "F16" and "format" or "none",
      run_id = facts.run, method = facts.method, seed = facts.seed, aa_stable = (facts.stable or {})[record.id],
      protocol_id = facts.protocol.id, decode = { kind = facts.protocol.decode, max_tokens = facts.protocol.max_tokens,
        template = facts.protocol.template }, repro_cmd = facts.command, prompt = record.prompt, lost = lost, gained = gained,
      identical = record.text == reference.text,
      base = { text = reference.text, n_tokens = reference.tokens, finish_reason = reference.finish,
        extracted = reference.extracted, mean_logprob = reference.mean_logprob },
      quant = { text = record.text, n_tokens = record.tokens, finish_reason = record.finish,
        extracted = record.extracted, mean_logprob = record.mean_logprob } }
  end
  return out
end

-- Items in an order that depends on the seed and their ids alone.
local function drawn(entries, seed)
  local keyed = {}
  for i, entry in ipairs(entries) do keyed[i] = { native.fs.sha256(seed .. "\0" .. entry.prompt_id), entry } end
  table.sort(keyed, function(a, b) return a[1] < b[1] end)
  local out = {}
  for i, pair in ipairs(keyed) do out[i] = pair[2] end
  return out
end

-- The worst of a symptom first: by severity, then by how many signs it shows, then by how early it leaves the original.
local function worst_first(a, b)
  if a.severity ~= b.severity then return a.severity < b.severity end
  if #a.symptoms ~= #b.symptoms then return #a.symptoms > #b.symptoms end
  local x, y = a.first_divergence_token or math.huge, b.first_divergence_token or math.huge
  if x ~= y then return x < y end
  return a.prompt_id < b.prompt_id
end

-- What people should read: three worst of each symptom; of losses, gains and agreements three at random. { { why = "symptom F05", entry }, ... }.
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

-- How often each symptom strikes, with its interval: { { symptom, count, items, low, high }, ... }.
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
  if value == nil then return "" end
  return value and "yes" or "no"
end

-- Some sets have no ids, so that the question itself is the id.
local function shortened(id)
  if #id <= 48 then return id end
  local cut = id:sub(1, 45)
  while not utf8.len(cut) do cut = cut:sub(1, -2) end
  return cut .. "\u{2026}"
end

-- The table of the work list's columns, one row per selected entry.
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

-- failures.jsonl: every entry, selected or not.
function failures.jsonl(entries)
  local out = {}
  for i, entry in ipairs(entries) do out[i] = native.json.encode(entry) .. "\n" end
  return table.concat(out)
end

return failures
