-- Adds to an assembled report what follows from the report itself: smallest visible differences, signs of broken output in
-- the generations, guardrails as gates. A blocking gate that failed makes the verdicts in its scope invalid.
-- Not measurement: it reads what is there, so that the same report.json always gives the same additions.

local audit = require "assay.audit"
local detectors = require "assay.detectors"
local native = require "assay.native"
local record_sensitivity = require "assay.results.parts.calibration_spread"
local json, stats = native.json, native.stats
local null = json.null

local function given(value) return value ~= nil and value ~= null end

local function object(fields) return json.object(fields) end

-- ---- smallest visible difference of perplexities -------------------------------------------------

local function spread(values)
  local mean, squares = 0, 0
  for _, value in ipairs(values) do mean = mean + value / #values end
  for _, value in ipairs(values) do squares = squares + (value - mean) ^ 2 end
  return math.sqrt(squares / (#values - 1))
end

local function find_result(report, variant, like)
  for _, result in ipairs(report.results) do
    if result.variant == variant and result.task == like.task and result.metric == like.metric then return result end
  end
end

local function add_mde(report)
  for _, result in ipairs(report.results) do
    if given(result.paired) and result.paired.quantity == "ratio" and not given(result.mde)
      and given(result.series) then
      local base = find_result(report, result.paired.against, result)
      local own, other = result.series.values, base and given(base.series) and base.series.values
      if other and #own == #other and #own >= 2 then
        local differences = {}
        for i, value in ipairs(own) do differences[i] = value - other[i] end
        local visible = math.exp(stats.mde_mean(spread(differences), #differences)) - 1
        result.mde = object { { "value", visible }, { "unit", "ratio" }, { "power", 0.8 } }
      end
    end
  end
end

-- ---- signs of broken output ------------------------------------------------------------------------

-- The outputs of one variant over all prompts, as the detectors read them. Tokens are not in the report, so loops are
-- looked for in bytes.
local function records_of(report, variant)
  local records, outputs = {}, {}
  for _, item in ipairs(report.generations or {}) do
    for _, output in ipairs(item.outputs) do
      if output.variant == variant then
        records[#records + 1] = { text = output.text, prompt = item.prompt, finish = output.finish,
          tokens = output.tokens,
          bytes = { output.text:byte(1, math.min(#output.text, 100000)) } }
        outputs[#outputs + 1] = output
      end
    end
  end
  return records, outputs
end

local function sorted_ids(flags)
  local ids = json.list {}
  for id in pairs(flags) do ids[#ids + 1] = id end
  table.sort(ids)
  return ids
end

local function reference_of(report, variant)
  for _, other in ipairs(report.variants) do
    if other.subject == variant.subject and not given(other.recipe) then return other end
  end
end

local function add_detectors(report)
  if not given(report.generations) or #report.generations == 0 then return end
  local rows = json.list {}
  for _, variant in ipairs(report.variants) do
    local reference = reference_of(report, variant)
    local records, outputs = records_of(report, variant.id)
    local base = reference and records_of(report, reference.id) or {}
    local _, flags = detectors.compare.count(records, detectors.compare.summary(base))
    for i, output in ipairs(outputs) do
      if next(flags[i]) then output.flags = sorted_ids(flags[i]) end
    end
    if given(variant.recipe) and #records > 0 and #base > 0 then
      for _, row in ipairs(detectors.compare.rates(records, base)) do
        rows[#rows + 1] = object { { "variant", variant.id }, { "id", row.id }, { "title", row.title },
          { "count", row.count },
          { "items", row.items }, { "base_count", row.base_count }, { "base_items", row.base_items },
            { "status", row.status } }
      end
    end
  end
  if not given(report.detectors) then report.detectors = rows end -- a study has counted tokens, which is finer
end

-- ---- guardrails ------------------------------------------------------------------------------------

local function add_guardrails(report)
  report.gates = given(report.gates) and report.gates or json.list {}
  for _, gate in ipairs(audit.as_gates(audit.run(report))) do
    report.gates[#report.gates + 1] = object { { "id", gate.id }, { "title", gate.title },
      { "severity", gate.severity },
      { "status", gate.status }, { "scope", gate.scope or null }, { "evidence", gate.evidence }, { "message", gate.message } }
  end
end

local function blocked(report, variant)
  for _, gate in ipairs(report.gates) do
    if gate.status == "fail" and gate.severity == "block"
      and (not given(gate.scope) or gate.scope == variant.id or gate.scope == variant.subject) then
      return gate.id
    end
  end
end

local function invalidate(report)
  local by = {}
  for _, variant in ipairs(report.variants) do by[variant.id] = blocked(report, variant) end
  for _, list in ipairs { report.results, given(report.verdicts) and report.verdicts or {} } do
    for _, item in ipairs(list) do
      if by[item.variant] and given(item.verdict) then item.verdict = "invalid" end
    end
  end
end

return function(report)
  add_mde(report)
  add_detectors(report)
  add_guardrails(report)
  invalidate(report)
  if not given(report.sensitivity) then report.sensitivity = record_sensitivity(report) end
  return report
end
