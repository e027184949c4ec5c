-- Compares one variant with the untouched model on the same items. It computes the difference with its interval, the data for a test
-- of "no difference", and the smallest difference that could have been seen. The p value depends on how many comparisons the study
-- makes, so families.lua computes it.
local intervals = require "assay.results.intervals"
local native = require "assay.native"
local stats = native.stats

local paired = {}

local POWER <const> = 0.8 -- the probability with which the smallest visible difference would be seen

-- Score minus reference score for each item.
local function differences_of(metric, base)
   local differences = {}
   for k, score in ipairs(metric.scores) do differences[k] = score - base.scores[k] end
   return differences
end

-- Sums of the values of each cluster (items from one article or subject), since the sign-flip test flips whole clusters.
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

-- Right or wrong on the same items: Tango's interval (for paired proportions) and McNemar's test. With clusters, the interval
-- is no narrower than the resampled one. The test is then the sign-flip test of the clusters' sums; McNemar's p is given, but not used.
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
   -- No flip in n items does not mean that flips are impossible, so the computation assumes at least one flip.
   local mde = stats.mde_paired(math.max(flips, 1 / n), n)
   if clusters and flips > 0 then mde = math.max(mde, stats.mde_mean(i.standard_error * math.sqrt(n), n)) end
   return out, visible(100 * mde, "pp")
end

-- Perplexities: the ratio of the two, from the differences of the cross-entropies (nats) of the same windows or documents.
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

-- Graded scores: the mean difference, with a bootstrap interval. The same items count on both sides, so both have the same weights.
local function graded(metric, base, options, clusters)
   local fraction, differences = metric.unit == "fraction", differences_of(metric, base)
   local i = metric.weights and stats.bootstrap_ratio(differences, metric.weights, options)
             or stats.bootstrap(differences, intervals.clustered(options, clusters))
   local scale, unit = fraction and 100 or 1, fraction and "pp" or metric.unit
   local mde = scale * stats.mde_mean(i.standard_error * math.sqrt(#differences), #differences)
   -- If no item differs, the spread is zero. As for right and wrong, the computation then assumes one change in n items.
   if i.standard_error == 0 and fraction then mde = scale * stats.mde_paired(1 / #differences, #differences) end
   return comparison("difference", unit, { estimate = scale * i.estimate, low = scale * i.low, high = scale * i.high,
                                           level = i.level, method = "paired " .. i.method },
                     { differences = by_cluster(differences, clusters) }), visible(mde, unit)
end

-- metric, base: { unit, kind, link, scores, weights } of the variant and the untouched model, item by item. options: { replicates,
-- seed }. clusters: the cluster of each item, or nil. Returns the comparison { quantity, unit, estimate, low, high, level, method, test }
-- and the smallest visible difference { value, unit, power }. A right-or-wrong metric adds lost, gained, flips and p_mcnemar.
function paired.compare(metric, base, options, clusters)
   if intervals.is_binary(metric) then return binary(metric, base, options, clusters) end
   if intervals.is_exponential(metric) then return ratio(metric, base, options) end
   return graded(metric, base, options, clusters)
end

-- The reason why two results cannot be compared item by item; nil if they can. Example: the share of abstentions that are right
-- counts the items on which a model abstains, and these are not the same for both models.
function paired.obstacle(metric, base)
   if #metric.scores ~= #base.scores or #metric.scores < 2 then return "too few items for a comparison" end
   for i, weight in ipairs(not intervals.is_exponential(metric) and metric.weights or {}) do
      if weight ~= base.weights[i] then return "the two models are scored on different items: compare their intervals" end
   end
end

return paired
