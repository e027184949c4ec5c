-- From scores by item or window to intervals, paired comparison with the untouched model and a verdict word. Right-or-wrong
-- scores get Wilson, Tango and McNemar; graded ones the paired bootstrap; perplexities the bootstrap over windows of their
-- cross-entropies. Not the family of comparisons (judge.lua).

local items = require "assay.tasks.items"
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
local function is_exponential(metric) return metric.link == "exp" end

local function exponential(i)
  return { estimate = math.exp(i.estimate), low = math.exp(i.low), high = math.exp(i.high), level = i.level,
    method = i.method }
end

local function finite(x) return x and x == x and math.abs(x) < math.huge and x or null end

-- Items of one article or subject are resampled together.
local function clustered(options, clusters)
  return clusters and { replicates = options.replicates, seed = options.seed, clusters = clusters } or options
end

-- A ratio whose weights are zeros and ones is a score of some of the items: these alone, as a proportion or as a mean, with
-- their clusters. How many they are is the draw's doing and not chance.
local function plain(metric, clusters)
  if metric.kind ~= "ratio" or not metric.weights or is_exponential(metric) then return metric, clusters end
  local scores, own, kind = {}, clusters and {}, "binary"
  for i, score in ipairs(metric.scores) do
    local weight = metric.weights[i]
    if not (weight == 0 or weight == 1) then return metric, clusters end
    if weight == 1 then
      scores[#scores + 1] = score
      if own then own[#scores] = clusters[i] end
      if not (score == 0 or score == 1) then kind = "mean" end
    end
  end
  return { value = metric.value, unit = metric.unit, direction = metric.direction, kind = kind, scores = scores }, own
end

-- 0 or 1 where every grade of a share is that; nil otherwise.
local function all_alike(metric)
  local first = metric.scores[1]
  if metric.unit ~= "fraction" or is_exponential(metric) or not (first == 0 or first == 1) then return nil end
  for _, score in ipairs(metric.scores) do if score ~= first then return nil end end
  return math.tointeger(first)
end

-- Items of one cluster are alike, so that an interval for independent items is too narrow; a resampled one is too narrow where
-- items or clusters are few. Both ends are the outer ones of the two.
local function no_narrower(i, values, options, clusters)
  if not clusters then return i end
  local c = stats.bootstrap(values, clustered(options, clusters))
  return { estimate = i.estimate, low = math.min(i.low, c.low), high = math.max(i.high, c.high), level = i.level,
    method = c.method .. ", no narrower than " .. i.method, standard_error = c.standard_error }
end

-- counts and interval of one variant; nil for an interval that cannot be had
local function own_part(metric, counts, options, clusters)
  local n = #metric.scores
  if is_binary(metric) then
    local correct = math.floor(sum(metric.scores) + 0.5)
    return json.object { { "items", n }, { "correct", correct } },
      interval_part(no_narrower(stats.wilson(correct, n), metric.scores, options, clusters))
  end
  counts = counts or json.object { { "items", n } }
  if n < 2 then return counts, nil end
  if is_exponential(metric) and not metric.weights then
    return counts, interval_part(stats.perplexity_interval(metric.scores, options))
  end
  local whole = not metric.weights and all_alike(metric)
  if whole then -- grades that never vary give a resampled interval without width: what n items can exclude is Wilson's
    local i = stats.wilson(whole * n, n)
    i.method = "Wilson, since all grades are alike"
    return counts, interval_part(i)
  end
  local i = metric.weights and stats.bootstrap_ratio(metric.scores, metric.weights, options)
    or stats.bootstrap(metric.scores, clustered(options, clusters))
  return counts, interval_part(is_exponential(metric) and exponential(i) or i)
end

local function points(i) return 100 * i.estimate, 100 * i.low, 100 * i.high end

local function paired_of(against, quantity, unit, i, p)
  return json.object { { "against", against }, { "quantity", quantity }, { "unit", unit }, { "estimate", i.estimate },
    { "low", i.low }, { "high", i.high }, { "level", i.level }, { "method", i.method }, { "p", p },
    { "p_holm", null } }
end

local function differences_of(metric, base)
  local differences = {}
  for k, score in ipairs(metric.scores) do differences[k] = score - base.scores[k] end
  return differences
end

-- Sums by cluster, in the order in which the clusters come: what changes sign as one under the null hypothesis.
local function by_cluster(values, clusters)
  if not clusters then return values end
  local place, sums = {}, {}
  for k, value in ipairs(values) do
    local name = clusters[k]
    if not place[name] then
      sums[#sums + 1] = 0
      place[name] = #sums
    end
    sums[place[name]] = sums[place[name]] + value
  end
  return sums
end

-- Right or wrong on the same items: Tango's interval and McNemar's test; over clusters the resampled difference and the
-- sign-flip test of their sums, with McNemar's p beside it.
local function binary_pair(metric, base, against, options, clusters)
  local cells, n = stats.pairs(base.scores, metric.scores), #metric.scores
  local flips = (cells.lost + cells.gained) / n
  local differences = differences_of(metric, base)
  local i = no_narrower(stats.tango(cells.lost, cells.gained, n), differences, options, flips > 0 and clusters or nil)
  local mcnemar = (stats.mcnemar(cells.lost, cells.gained))
  local estimate, low, high = points(i)
  local part = paired_of(against, "difference", "pp",
    { estimate = estimate, low = low, high = high, level = i.level, method = i.method },
    not clusters and mcnemar or (stats.sign_flip(by_cluster(differences, clusters), { seed = options.seed })))
  part.lost, part.gained, part.flips, part.p_mcnemar = cells.lost, cells.gained, flips, mcnemar
  -- With no flip at all the chance of one is not zero: the rule of three's upper bound is what n items can exclude.
  local visible = stats.mde_paired(math.max(flips, 1 / n), n)
  if clusters and flips > 0 then visible = math.max(visible, stats.mde_mean(i.standard_error * math.sqrt(n), n)) end
  return part, json.object { { "value", 100 * visible }, { "unit", "pp" }, { "power", 0.8 } }
end

local function spread(values)
  local mean, squares = sum(values) / #values, 0
  for _, value in ipairs(values) do squares = squares + (value - mean) ^ 2 end
  return math.sqrt(squares / (#values - 1))
end

-- Perplexities: the ratio, from differences of cross-entropy of the same windows or documents.
local function ratio_pair(metric, base, against, options)
  local differences = differences_of(metric, base)
  local test = stats.sign_flip(differences, { seed = options.seed })
  local i, deviation
  if metric.weights then
    local of_sums = stats.bootstrap_ratio(differences, metric.weights, options)
    i, deviation = exponential(of_sums), of_sums.standard_error * math.sqrt(#differences)
  else
    i, deviation = stats.perplexity_ratio(metric.scores, base.scores, options), spread(differences)
  end
  local part = paired_of(against, "ratio", "ratio", i, test)
  part.unit = nil
  return part, json.object { { "value", math.exp(stats.mde_mean(deviation, #differences)) - 1 }, { "unit", "ratio" },
    { "power", 0.8 } }
end

local function mean_pair(metric, base, against, options, clusters)
  local fraction = metric.unit == "fraction"
  local differences = differences_of(metric, base)
  -- The same items count in both arms (a subset by its gold answers), so the weights are shared.
  local i = metric.weights and stats.bootstrap_ratio(differences, metric.weights, options)
    or stats.bootstrap(differences, clustered(options, clusters))
  local scale, unit = fraction and 100 or 1, fraction and "pp" or metric.unit
  local part = paired_of(against, "difference", unit, { estimate = scale * i.estimate, low = scale * i.low,
    high = scale * i.high, level = i.level, method = "paired " .. i.method },
    (stats.sign_flip(by_cluster(differences, clusters), { seed = options.seed })))
  local visible = scale * stats.mde_mean(i.standard_error * math.sqrt(#differences), #differences)
  -- Where no item differs, nothing was seen to vary: as for right and wrong, one item in n may still change wholly.
  if i.standard_error == 0 and fraction then visible = scale * stats.mde_paired(1 / #differences, #differences) end
  return part, json.object { { "value", visible }, { "unit", unit }, { "power", 0.8 } }
end

local function paired_part(metric, base, against, options, clusters)
  if is_binary(metric) then return binary_pair(metric, base, against, options, clusters) end
  if is_exponential(metric) then return ratio_pair(metric, base, against, options) end
  return mean_pair(metric, base, against, options, clusters)
end

-- Share of items whose answer changed, right or wrong, where the stage kept its choices.
local function answer_change(own, base)
  if not (own.choices and base.choices) then return nil end
  local changed = 0
  for i, one in ipairs(own.choices) do
    if one.pred ~= base.choices[i].pred then changed = changed + 1 end
  end
  return changed / #own.choices
end

-- Why two arms cannot be compared item by item, or nil. A ratio whose weights come from the answers themselves (the share
-- of abstentions that are right) counts other items in each arm.
local function unlike(a, b)
  if #a.scores ~= #b.scores or #a.scores < 2 then return "too few items for a comparison" end
  for i, weight in ipairs(not is_exponential(a) and a.weights or {}) do
    if weight ~= b.weights[i] then return "other items count in each arm: read the two intervals" end
  end
end

-- rows: { { variant = , stage = { result = items.result(...) } }, ... }, the reference first. Verdicts and adjusted p are
-- added by judge.finish, which needs the whole family.
function judge_items.results(task, metric_name, rows, options)
  local out, reference = {}, rows[1]
  for k, row in ipairs(rows) do
    local own = row.stage.result
    local metric = (own.metrics or {})[metric_name]
    if metric then
      local shown, clusters = plain(metric, own.clusters)
      local counts, interval = own_part(shown, shown == metric and own.counts or nil, options, clusters)
      local result = json.object { { "variant", row.variant.id }, { "task", task.id }, { "metric", metric_name },
        { "subset", null }, { "value", finite(metric.value) }, { "unit", metric.unit }, { "direction", metric.direction },
        { "kind", metric.kind }, { "counts", counts }, { "interval", interval or null }, { "paired", null }, { "mde", null } }
      result.prompt_hash = items.prompts_hash(own.outputs or own.choices)
      if k == 1 then result.verdict = "reference" end
      if not interval then result.reason = "an interval needs at least two items" end
      local base = k > 1 and reference.stage.result.metrics[metric_name]
      local shown_base = base and plain(base)
      local reason = base and (unlike(metric, base) or #shown.scores < 2 and "too few items for a comparison")
      if base and not reason then
        -- one kind for both arms: grades of one can happen to be all zeros and ones
        if shown.kind ~= shown_base.kind then shown.kind, shown_base.kind = "mean", "mean" end
        result.paired, result.mde = paired_part(shown, shown_base, reference.variant.id, options, clusters)
        if is_binary(metric) then result.paired.answer_change = answer_change(own, reference.stage.result) end
      elseif base then
        result.reason = reason
      end
      if own.series and is_exponential(metric) then result.series = own.series end
      out[#out + 1] = result
    end
  end
  return out
end

-- The loss as an interval [low, high] and the margin on the same scale: points, or logarithms for ratios. Positive = worse.
local function loss_of(result, margin)
  local p = result.paired
  local low, high = p.low, p.high
  if p.quantity == "ratio" then low, high, margin = math.log(low), math.log(high), math.log(margin) end
  if result.direction ~= "lower" then low, high = -high, -low end
  return low, high, margin
end

-- Whether a loss as large as the margin could have gone unseen: then no word may say that there is none (evaluation.md 2.3).
local function blind(result, margin)
  local mde = result.mde
  if mde == nil or mde == null then return false end
  return mde.value > (result.paired.quantity == "ratio" and margin - 1 or margin)
end

-- The word for one comparison, and whether a certain loss lies within the margin.
function judge_items.word(result, margin, alpha)
  local p = result.paired
  if p == null or p == nil then return result.reason and "inconclusive" or "reference" end
  local low, high, limit = loss_of(result, margin)
  local shown = high <= limit and not blind(result, margin)
  if p.lost == 0 and p.gained == 0 and shown then return "tie" end
  local adjusted = p.p_holm ~= null and p.p_holm or p.p_bh
  local resolved = adjusted ~= nil and adjusted ~= null and adjusted < alpha
  if low > 0 and resolved then return "worse", high <= limit end
  if high < 0 and resolved then return "better" end
  if shown then return low >= -limit and "equivalent" or "non-inferior" end
  return "inconclusive"
end

-- Sets the verdicts; p must be adjusted. margin_of(result) -> margin in the unit of the difference.
function judge_items.set_verdicts(results, margin_of, alpha)
  for _, result in ipairs(results) do
    local word, within = judge_items.word(result, margin_of(result), alpha)
    result.verdict = result.verdict or word
    if within ~= nil then result.within_margin = within end
    if result.reason == nil then result.reason = null end
  end
end

-- Holm's step-down (claims) or Benjamini-Hochberg (exploration) over those results that are compared.
function judge_items.adjust(results, method)
  local ps, parts = {}, {}
  for _, result in ipairs(results) do
    if result.paired ~= null then ps[#ps + 1], parts[#parts + 1] = result.paired.p, result.paired end
  end
  local adjusted = #ps > 0 and stats[method](ps) or {}
  for k, paired in ipairs(parts) do paired[method == "holm" and "p_holm" or "p_bh"] = adjusted[k] end
end

-- One family of its own: for a table outside a study.
function judge_items.finish(results, margin, alpha)
  judge_items.adjust(results, "holm")
  judge_items.set_verdicts(results, function() return margin end, alpha)
  return results
end

return judge_items
