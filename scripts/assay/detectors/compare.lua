-- Detectors that look at a whole set of answers: rates against the untouched model, label bias, constant answers, length,
-- identity between variants. F02 to F23 as rates; F14, F15, F17, F20, F21, F23 live here alone.
-- Not single answers (sample.lua).

local sample = require "assay.detectors.sample"
local stats = require("assay.native").stats

local compare = {}

local function median(values)
   if #values == 0 then return nil end
   local sorted = table.move(values, 1, #values, 1, {})
   table.sort(sorted)
   local middle = #sorted // 2
   return #sorted % 2 == 1 and sorted[middle + 1] or (sorted[middle] + sorted[middle + 1]) / 2
end

local function percentile(values, p)
   if #values == 0 then return nil end
   local sorted = table.move(values, 1, #values, 1, {})
   table.sort(sorted)
   local place = 1 + p * (#sorted - 1)
   local below = math.floor(place)
   local above = sorted[math.min(below + 1, #sorted)]
   return sorted[below] + (place - below) * (above - sorted[below])
end

-- What later comparisons need of a set: median length, first percentile of confidence.
function compare.summary(records)
   local lengths, confidence = {}, {}
   for _, record in ipairs(records) do
      lengths[#lengths + 1] = record.tokens or record.ids and #record.ids
      confidence[#confidence + 1] = record.mean_logprob
   end
   return { items = #records, median_tokens = median(lengths), mean_logprob_p1 = percentile(confidence, 0.01) }
end

-- Runs the single-answer detectors; returns counts by id, and per record its flags.
function compare.count(records, base)
   local counts, flags = {}, {}
   for i, record in ipairs(records) do
      flags[i] = sample.run(record, base)
      for id in pairs(flags[i]) do counts[id] = (counts[id] or 0) + 1 end
   end
   return counts, flags
end

-- When a rate is too high: above `rate` alone, and above the reference's rate by `over`. invalid: rate at which the run
-- cannot be used at all.
local LIMITS <const> = {
   F01 = { over = 0, invalid = 0 }, F02 = { over = 0.05, rate = 0.05, invalid = 0.5 }, F03 = { over = 0.02 },
   F04 = { over = 0, rate = 0.01 }, F05 = { over = 0.02, invalid = 0.5 }, F06 = { over = 0.02 }, F07 = { over = 0.02 },
   F08 = { over = 0.02 }, F09 = { over = 0.02 }, F10 = { over = 0.02 }, F11 = { over = 0.02, invalid = 0.5 },
   F12 = { over = 0.05 }, F13 = { over = 0 }, F16 = { over = 0.05 }, F18 = { over = 0.05 }, F19 = { over = 0.02 },
   F22 = { over = 0.05 },
}

local FEW_ITEMS <const> = 20 -- below this a rate may raise a flag but not condemn a variant
local CONDEMNS <const> = 0.25 -- above the reference's rate: a limit that cuts the untouched model as often breaks nothing

local function status_of(id, rate, base_rate, n_items)
   local limit = LIMITS[id]
   if id ~= "F01" and rate <= base_rate + limit.over then return "ok" end -- the task's doing, not the variant's
   local far = id == "F01" or n_items >= FEW_ITEMS and rate > base_rate + CONDEMNS
   if limit.invalid and rate > limit.invalid and far then return "invalid" end
   return rate > (limit.rate or 0) and "flag" or "ok"
end

-- One row per detector that saw anything in either set: { id, count, items, base_count, base_items, status, title }.
function compare.rates(records, base_records)
   local base = compare.summary(base_records)
   local counts = compare.count(records, base)
   local base_counts = compare.count(base_records, base)
   local rows = {}
   for _, detector in ipairs(sample.detectors) do
      local id = detector[1]
      local count, base_count = counts[id] or 0, base_counts[id] or 0
      if count > 0 or base_count > 0 then
         rows[#rows + 1] = { id = id, title = detector[2], count = count, items = #records, base_count = base_count,
            base_items = #base_records,
            status = status_of(id, count / math.max(1, #records), base_count / math.max(1, #base_records), #records) }
      end
   end
   return rows
end

local function shares(values)
   local counts, most, top = {}, 0, nil
   for _, value in ipairs(values) do
      counts[value] = (counts[value] or 0) + 1
      if counts[value] > most or counts[value] == most and tostring(value) < tostring(top) then
         most, top = counts[value], value
      end
   end
   return counts, #values > 0 and most / #values or 0, top
end

-- F14: predicted labels of multiple choice. Returns { status, label, share, recall_spread }.
function compare.label_bias(predicted, gold)
   local _, share, label = shares(predicted)
   local right, all = {}, {}
   for i, answer in ipairs(gold) do
      all[answer] = (all[answer] or 0) + 1
      if predicted[i] == answer then right[answer] = (right[answer] or 0) + 1 end
   end
   local recalls, mean = {}, 0
   for answer, n in pairs(all) do recalls[#recalls + 1] = (right[answer] or 0) / n end
   for _, recall in ipairs(recalls) do mean = mean + recall / #recalls end
   local squares = 0
   for _, recall in ipairs(recalls) do squares = squares + (recall - mean) ^ 2 / #recalls end
   return { id = "F14", label = label, share = share, recall_spread = math.sqrt(squares),
      status = share > 0.7 and "flag" or "ok" }
end

-- F15: one answer given all the time, beyond what the gold answers hold.
function compare.constant_answer(extracted, gold)
   local _, share, answer = shares(extracted)
   local _, gold_share = shares(gold)
   return { id = "F15", answer = answer, share = share, gold_share = gold_share,
      status = share > 0.5 and share > gold_share + 0.2 and "flag" or "ok" }
end

-- F17: median length against the reference's.
function compare.length_drift(records, base_records)
   local own, base = compare.summary(records).median_tokens, compare.summary(base_records).median_tokens
   if not own or not base or base == 0 then return { id = "F17", status = "unknown" } end
   local ratio = own / base
   return { id = "F17", ratio = ratio, median = own, base_median = base,
      status = (ratio < 0.8 or ratio > 1.25) and "flag" or "ok" }
end

-- F20: share of identical texts of two quantized variants that both leave the reference.
function compare.identity(a, b, base)
   local same, differ = 0, 0
   for i = 1, #a do
      if a[i].text == b[i].text then same = same + 1 end
      if base[i] and a[i].text ~= base[i].text then differ = differ + 1 end
   end
   local share = #a > 0 and same / #a or 0
   return { id = "F20", identical_share = share, differs_from_base = differ > #a / 2,
      status = share > 0.95 and differ > #a / 2 and "invalid" or "ok" }
end

-- F21: a score k of n whose interval holds a trivial score.
function compare.at_trivial(k, n, baselines)
   local interval = stats.wilson(k, n)
   for _, baseline in ipairs(baselines) do
      if baseline.value >= interval.low then
         return { id = "F21", baseline = baseline.name, value = baseline.value, low = interval.low, high = interval.high,
            status = "flag" }
      end
   end
   return { id = "F21", status = "ok", low = interval.low, high = interval.high }
end

-- F23: how far greedy answers drift: medians of likeness and of the first token that differs.
function compare.divergence(records, base_records)
   local likeness, places, same = {}, {}, 0
   for i, record in ipairs(records) do
      local base = base_records[i]
      likeness[i] = stats.rouge_l(record.ids, base.ids)
      local place = stats.first_divergence(record.ids, base.ids)
      if place then places[#places + 1] = place else same = same + 1 end
   end
   return { id = "F23", status = "ok", identical = same, items = #records, median_rouge_l = median(likeness),
      median_first_divergence = median(places) }
end

return compare
