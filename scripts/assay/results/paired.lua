-- Compares one variant with the untouched model on the same items: the difference with its interval, what a test of no
-- difference needs, and the smallest difference that could have been seen. The p itself depends on how many comparisons
-- the study makes and is computed in families.lua.
local intervals = require "assay.results.intervals"
local native = require "assay.native"
local stats = native.stats

local paired = {}

local POWER <const> = 0.8 -- of the smallest visible difference: chance to see it

local function differences_of(metric, base)
   local differences = {}
   for k, score in ipairs(metric.scores) do differences[k] = score - base.scores[k] end
   return differences
end

-- Sums by cluster, in the order in which the clusters come. Under the null hypothesis a cluster changes sign as one.
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

local function visible(value, unit) return { value = value, unit = unit, power = POWER } end

local function comparison(quantity, unit, i, test)
   return { quantity = quantity, unit = unit, estimate = i.estimate, low = i.low, high = i.high, level = i.level,
            method = i.method, test = test }
end

-- Right or wrong on the same items: Tango's interval and McNemar's test. Over clusters: the resampled difference and the
-- sign-flip test of their sums, with McNemar's p beside it.
local function binary(metric, base, options, clusters)
   local cells, n = stats.pairs(base.scores, metric.scores), #metric.scores
   local differences = differences_of(metric, base)
   local flips = (cells.lost + cells.gained) / n
   local i = intervals.no_narrower(stats.tango(cells.lost, cells.gained, n), differences, options, flips > 0 and clusters or nil)
   local mcnemar = (stats.mcnemar(cells.lost, cells.gained))
   local out = comparison("difference", "pp",
                          { estimate = 100 * i.estimate, low = 100 * i.low, high = 100 * i.high, level = i.level, method = i.method },
                          { mcnemar = not clusters and mcnemar or nil, differences = by_cluster(differences, clusters) })
   out.lost, out.gained, out.flips, out.p_mcnemar = cells.lost, cells.gained, flips, mcnemar
   -- With no flip at all the chance of one is not zero: one item in n is what n items can exclude (rule of three).
   local mde = stats.mde_paired(math.max(flips, 1 / n), n)
   if clusters and flips > 0 then mde = math.max(mde, stats.mde_mean(i.standard_error * math.sqrt(n), n)) end
   return out, visible(100 * mde, "pp")
end

-- Perplexities: the ratio, from differences of the cross-entropies of the same windows or documents.
local function ratio(metric, base, options)
   local differences = differences_of(metric, base)
   local i, deviation
   if metric.weights then
      local of_sums = stats.bootstrap_ratio(differences, metric.weights, options)
      i, deviation = intervals.exponential(of_sums), of_sums.standard_error * math.sqrt(#differences)
   else
      i, deviation = stats.perplexity_ratio(metric.scores, base.scores, options), stats.standard_deviation(differences)
   end
   return comparison("ratio", nil, i, { differences = differences, continuous = true }),
          visible(math.exp(stats.mde_mean(deviation, #differences)) - 1, "ratio")
end

-- Graded scores: the mean difference, resampled. The same items count in both arms, so the weights are shared.
local function graded(metric, base, options, clusters)
   local fraction, differences = metric.unit == "fraction", differences_of(metric, base)
   local i = metric.weights and stats.bootstrap_ratio(differences, metric.weights, options)
             or stats.bootstrap(differences, intervals.clustered(options, clusters))
   local scale, unit = fraction and 100 or 1, fraction and "pp" or metric.unit
   local mde = scale * stats.mde_mean(i.standard_error * math.sqrt(#differences), #differences)
   -- Where no item differs nothing was seen to vary: as for right and wrong, one item in n may still change wholly.
   if i.standard_error == 0 and fraction then mde = scale * stats.mde_paired(1 / #differences, #differences) end
   return comparison("difference", unit, { estimate = scale * i.estimate, low = scale * i.low, high = scale * i.high,
                                           level = i.level, method = "paired " .. i.method },
                     { differences = by_cluster(differences, clusters) }), visible(mde, unit)
end

-- metric, base: { unit, kind, link, scores, weights } of both arms, item by item; options: { replicates, seed }.
-- Returns { quantity, unit, estimate, low, high, level, method, test } and { value, unit, power }. A right-or-wrong metric
-- adds lost, gained, flips and p_mcnemar.
function paired.compare(metric, base, options, clusters)
   if intervals.is_binary(metric) then return binary(metric, base, options, clusters) end
   if intervals.is_exponential(metric) then return ratio(metric, base, options) end
   return graded(metric, base, options, clusters)
end

-- Why two arms cannot be compared item by item; nil if they can. A ratio whose weights come from the answers themselves
-- (the share of abstentions that are right) counts other items in each arm.
function paired.obstacle(metric, base)
   if #metric.scores ~= #base.scores or #metric.scores < 2 then return "too few items for a comparison" end
   for i, weight in ipairs(not intervals.is_exponential(metric) and metric.weights or {}) do
      if weight ~= base.weights[i] then return "other items count in each arm: read the two intervals" end
   end
end

return paired
