-- Tables of how far a variant's next-token distributions lie from those of its untouched subject.
local format = require "assay.report.format"

local tables = {}

-- A value, and below the value its interval, as two lines of one cell. number: { value, interval } of the report; scale: 100 for
-- percent; sign: whether a positive value gets a "+".
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

-- The mean divergence, split by how sure the untouched model was of its likeliest token.
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
   return { hint = "Mean divergence by the untouched subject's largest probability. Where the untouched subject is undecided, a "
      .. "difference costs little; where it is sure, a difference is damage.", headers = headers, rows = rows, numeric = 2 }
end

-- Percentiles of the change of the probability that a model gives to the right next token.
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

return tables
