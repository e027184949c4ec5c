-- Computes the counts behind a single score and its confidence interval. Proportions get Wilson's interval; perplexities and graded
-- scores get the bootstrap, which resamples windows or items.
local native = require "assay.native"
local json, stats = native.json, native.stats

local intervals = {}

function intervals.is_binary(metric) return metric.kind == "binary" end

-- Whether the scores are logarithms and the metric is exp(mean), as for a perplexity.
function intervals.is_exponential(metric) return metric.link == "exp" end

function intervals.sum(values)
   local total = 0
   for _, value in ipairs(values) do total = total + value end
   return total
end

-- The options of a bootstrap that resamples whole clusters (articles, subjects); without clusters the options themselves.
function intervals.clustered(options, clusters)
   return clusters and { replicates = options.replicates, seed = options.seed, clusters = clusters } or options
end

-- The interval of exp(x) for an interval of x.
function intervals.exponential(i)
   return { estimate = math.exp(i.estimate), low = math.exp(i.low), high = math.exp(i.high), level = i.level,
            method = i.method }
end

-- A metric sum(score) / sum(weight) with weights of only 0 and 1 counts some of the items, such as SQuAD's answerable questions. For
-- such a metric, returns the metric of these items alone, as a proportion or a mean, and their clusters. Other metrics are returned as
-- they are. The number of counted items is fixed by the sample, so it is not treated as random.
function intervals.counted_items(metric, clusters)
   if metric.kind ~= "ratio" or not metric.weights or intervals.is_exponential(metric) then return metric, clusters end
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

-- The interval of clustered items: the lower of two low ends and the higher of two high ends. One interval, i, assumes independent
-- items and is too narrow if items of a cluster are alike. The other resamples clusters and is too narrow if there are few of them.
function intervals.no_narrower(i, values, options, clusters)
   if not clusters then return i end
   local c = stats.bootstrap(values, intervals.clustered(options, clusters))
   return { estimate = i.estimate, low = math.min(i.low, c.low), high = math.max(i.high, c.high), level = i.level,
            method = c.method .. ", no narrower than " .. i.method, standard_error = c.standard_error }
end

-- Returns the common grade of all items if the metric is a fraction and this grade is 0 or 1; else nil.
local function common_grade(metric)
   local first = metric.scores[1]
   if metric.unit ~= "fraction" or intervals.is_exponential(metric) or not (first == 0 or first == 1) then return nil end
   for _, score in ipairs(metric.scores) do if score ~= first then return nil end end
   return math.tointeger(first)
end

-- The interval of a score that is not a proportion; nil for fewer than two items.
local function graded(metric, options, clusters)
   local n = #metric.scores
   if n < 2 then return nil end
   if intervals.is_exponential(metric) and not metric.weights then return stats.perplexity_interval(metric.scores, options) end
   local grade = not metric.weights and common_grade(metric)
   if grade then -- resampling equal grades would give an interval without width; Wilson's says what n items can exclude
      local i = stats.wilson(grade * n, n)
      i.method = "Wilson, since all grades are alike"
      return i
   end
   local i = metric.weights and stats.bootstrap_ratio(metric.scores, metric.weights, options)
             or stats.bootstrap(metric.scores, intervals.clustered(options, clusters))
   return intervals.is_exponential(metric) and intervals.exponential(i) or i
end

-- metric: { value, unit, kind, link, scores, weights } of one variant; counts: what its task counted, or nil.
-- Returns the counts for the report, and { estimate, low, high, level, method } or nil.
function intervals.of(metric, counts, options, clusters)
   local n = #metric.scores
   if not intervals.is_binary(metric) then
      return counts or json.object { { "items", n } }, graded(metric, options, clusters)
   end
   local correct = math.floor(intervals.sum(metric.scores) + 0.5)
   return json.object { { "items", n }, { "correct", correct } },
          intervals.no_narrower(stats.wilson(correct, n), metric.scores, options, clusters)
end

return intervals
