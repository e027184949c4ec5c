-- Results of tasks over items: intervals, paired comparison with the untouched model, verdicts. Right-or-wrong scores get
-- Wilson, Tango and McNemar; graded ones the paired bootstrap. Not perplexity over windows (judge.lua).

local native = require "assay.native"
local json, stats = native.json, native.stats
local null = json.null

local judge_items = {}

local function sum(values)
  local total = 0
  for _, value in ipairs(values) do total = total + value end
  return total
end

local function interval_part(i)
  return json.object { { "low", i.low }, { "high", i.high }, { "level", i.level }, { "method", i.method } }
end

local function is_binary(metric) return metric.kind == "binary" end

-- counts and interval of one variant
local function own_part(metric, options)
  local n = #metric.scores
  if is_binary(metric) then
    local correct = math.floor(sum(metric.scores) + 0.5)
    return json.object { { "items", n }, { "correct", correct } }, interval_part(stats.wilson(correct, n))
  end
  local i = metric.weights and stats.bootstrap_ratio(metric.scores, metric.weights, options)
    or stats.bootstrap(metric.scores, options)
  return json.object { { "items", n } }, interval_part(i)
end

local function points(i) return 100 * i.estimate, 100 * i.low, 100 * i.high end

-- Difference to the reference in percentage points (fractions) or in the metric's unit.
local function paired_part(metric, base, against, options)
  local fraction = metric.unit == "fraction"
  if is_binary(metric) then
    local cells = stats.pairs(base.scores, metric.scores)
    local n = #metric.scores
    local i = stats.tango(cells.lost, cells.gained, n)
    local estimate, low, high = points(i)
    local flips = (cells.lost + cells.gained) / n
    return json.object { { "against", against }, { "quantity", "difference" }, { "unit", "pp" },
      { "estimate", estimate },
      { "low", low }, { "high", high }, { "level", i.level }, { "method", i.method }, { "lost", cells.lost },
      { "gained", cells.gained }, { "flips", flips }, { "p", (stats.mcnemar(cells.lost, cells.gained)) },
        { "p_holm", null } },
      100 * stats.mde_paired(math.max(flips, 1 / n), n), "pp"
  end
  local differences = {}
  for k, score in ipairs(metric.scores) do differences[k] = score - base.scores[k] end
  -- The same items count in both arms (a subset by its gold answers), so the weights are shared.
  local i = metric.weights and stats.bootstrap_ratio(differences, metric.weights, options)
    or stats.bootstrap(differences, options)
  local scale = fraction and 100 or 1
  return json.object { { "against", against }, { "quantity", "difference" },
    { "unit", fraction and "pp" or metric.unit },
    { "estimate", scale * i.estimate }, { "low", scale * i.low }, { "high", scale * i.high }, { "level", i.level },
    { "method", "paired " .. i.method }, { "p", (stats.sign_flip(differences, { seed = options.seed })) },
      { "p_holm", null } },
    scale * stats.mde_mean(i.standard_error * math.sqrt(#differences), #differences), fraction and "pp" or metric.unit
end

-- rows: { { variant = , stage = { result = items.result(...) } }, ... }, the reference first. Verdicts and Holm are added
-- by finish(), which needs the whole family.
function judge_items.results(task, metric_name, rows, options)
  local out, reference = {}, rows[1]
  for k, row in ipairs(rows) do
    local metric = row.stage.result.metrics[metric_name]
    if metric then
      local counts, interval = own_part(metric, options)
      local result = json.object { { "variant", row.variant.id }, { "task", task.id }, { "metric", metric_name },
        { "subset", null }, { "value", metric.value }, { "unit", metric.unit }, { "direction", metric.direction },
        { "counts", counts }, { "interval", interval }, { "paired", null }, { "mde", null } }
      local base = k > 1 and reference.stage.result.metrics[metric_name]
      if base then
        local paired, mde, unit = paired_part(metric, base, reference.variant.id, options)
        result.paired = paired
        result.mde = json.object { { "value", mde }, { "unit", unit }, { "power", 0.8 } }
      end
      out[#out + 1] = result
    end
  end
  return out
end

-- The word for one comparison. margin in the unit of the difference (points).
function judge_items.word(result, margin, alpha)
  local p = result.paired
  if p == null or p == nil then return "reference" end
  if p.lost == 0 and p.gained == 0 then return "tie" end
  local higher = result.direction ~= "lower"
  local low, high = p.low, p.high
  if not higher then low, high = -p.high, -p.low end
  local resolved = p.p_holm ~= null and p.p_holm ~= nil and p.p_holm < alpha
  if high < 0 and resolved then return "worse", low > -margin end
  if low > 0 and resolved then return "better" end
  if low > -margin then return high < margin and "equivalent" or "non-inferior" end
  return "inconclusive"
end

-- Adjusts p over the family and sets the verdicts.
function judge_items.finish(results, margin, alpha)
  local ps, parts = {}, {}
  for _, result in ipairs(results) do
    if result.paired ~= null then
      ps[#ps + 1], parts[#parts + 1] = result.paired.p, result.paired
    end
  end
  local adjusted = #ps > 0 and stats.holm(ps) or {}
  for k, paired in ipairs(parts) do paired.p_holm = adjusted[k] end
  for _, result in ipairs(results) do
    local word, within = judge_items.word(result, margin, alpha)
    result.verdict = word
    if within ~= nil then result.within_margin = within end
    result.reason = null
  end
  return results
end

return judge_items
