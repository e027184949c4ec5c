-- Looks for signs of broken output in a whole set of answers and compares it with the untouched model's set: rates of the signs of
-- sample.lua, label bias (F14), constant answers (F15), length (F17), equal variants (F20), trivial scores (F21: a score that needs
-- no model, such as guessing) and divergence (F23).

local sample = require "assay.detectors.sample"
local stats = require("assay.native").stats

local compare = {}

local function median(values) return #values > 0 and stats.median(values) or nil end

-- Describes a set of answers for sample.run: { items, median_tokens, mean_logprob_p1 }. The last is the value below which the mean
-- log-probability of only one answer in a hundred lies.
function compare.summary(records)
   local lengths, confidence = {}, {}
   for _, record in ipairs(records) do
      lengths[#lengths + 1] = record.tokens or record.ids and #record.ids
      confidence[#confidence + 1] = record.mean_logprob
   end
   return { items = #records, median_tokens = median(lengths),
            mean_logprob_p1 = #confidence > 0 and stats.quantile(confidence, 0.01) or nil }
end

-- Applies the detectors of sample.lua to each answer. Returns { id = count } and for each record its flags.
function compare.count(records, base)
   local counts, flags = {}, {}
   for i, record in ipairs(records) do
      flags[i] = sample.run(record, base)
      for id in pairs(flags[i]) do counts[id] = (counts[id] or 0) + 1 end
   end
   return counts, flags
end

-- Limits for the share of answers that show a sign. The share is too high if it is more than `over` above the untouched model's share,
-- and also above `rate` (0 if absent). Above `invalid` the variant cannot be used at all. The reasons for the numbers: signs that no
-- working model shows (F01, F04, F13) must not become more frequent, so over = 0. For most others 0.02 is the limit, because a reader
-- notices two more answers in a hundred. Signs of length, form and script occur in ordinary answers too, so they may rise by 0.05.
-- With invalid = 0.5, most of what was scored is not an answer.
local LIMITS <const> = {
   F01 = { over = 0, invalid = 0 }, F02 = { over = 0.05, rate = 0.05, invalid = 0.5 }, F03 = { over = 0.02 },
   F04 = { over = 0, rate = 0.01 }, F05 = { over = 0.02, invalid = 0.5 }, F06 = { over = 0.02 }, F07 = { over = 0.02 },
   F08 = { over = 0.02 }, F09 = { over = 0.02 }, F10 = { over = 0.02 }, F11 = { over = 0.02, invalid = 0.5 },
   F12 = { over = 0.05 }, F13 = { over = 0 }, F16 = { over = 0.05 }, F18 = { over = 0.05 }, F19 = { over = 0.02 },
   F22 = { over = 0.05 },
}

local FEW_ITEMS <const> = 20  -- with fewer answers a rate may flag a variant but not make it invalid (F01 may)
-- A rate makes a variant invalid only if it is this far above the untouched model's. A low token limit, for example, cuts off the
-- answers of both models.
local CONDEMNS <const> = 0.25

-- Judges one sign by its rates (shares of answers): "ok", "flag" (needs a look) or "invalid" (the variant is unusable).
local function status_of(id, rate, base_rate, n_items)
   local limit = LIMITS[id]
   if id ~= "F01" and rate <= base_rate + limit.over then return "ok" end -- the task causes it, not the variant
   local far = id == "F01" or n_items >= FEW_ITEMS and rate > base_rate + CONDEMNS
   if limit.invalid and rate > limit.invalid and far then return "invalid" end
   return rate > (limit.rate or 0) and "flag" or "ok"
end

-- Returns one row for each detector that found its sign in either set: { id, count, items, base_count, base_items, status, title }.
function compare.rates(records, base_records)
   local base = compare.summary(base_records)
   local counts = compare.count(records, base)
   local base_counts = compare.count(base_records, base)
   local rows = {}
   for _, detector in ipairs(sample.detectors) do
      local id = detector.id
      local count, base_count = counts[id] or 0, base_counts[id] or 0
      if count > 0 or base_count > 0 then
         rows[#rows + 1] = { id = id, title = detector.title, count = count, items = #records, base_count = base_count,
            base_items = #base_records,
            status = status_of(id, count / math.max(1, #records), base_count / math.max(1, #base_records), #records) }
      end
   end
   return rows
end

-- Returns { value = count }, the share of the most frequent value, and that value. If several values are most frequent, the first by
-- name is returned.
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

local ONE_LABEL <const> = 0.7 -- share of the most frequent label; without bias each of four labels has a quarter

-- F14: a model that often picks the same label (A, B, ...) in multiple choice. Returns { id, status, label, share, recall_spread }.
-- The recall of a label is the share of its right answers that the model finds; recall_spread is the standard deviation of the
-- labels' recalls (RStd of Zheng et al. 2023, arXiv 2309.03882).
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
      status = share > ONE_LABEL and "flag" or "ok" }
end

-- F15: the same answer in more than half of the cases, and 20 points more often than the most frequent right answer.
function compare.constant_answer(extracted, gold)
   local _, share, answer = shares(extracted)
   local _, gold_share = shares(gold)
   return { id = "F15", answer = answer, share = share, gold_share = gold_share,
      status = share > 0.5 and share > gold_share + 0.2 and "flag" or "ok" }
end

-- A model answers as before if its median length is between 0.8 (1/1.25) and 1.25 times the untouched model's. MLPerf Inference
-- asks for 90 to 110 %, but over many thousand answers; sets here are smaller.
local SHORTER <const>, LONGER <const> = 0.8, 1.25

-- F17: compares the median length of the answers, in tokens, with the untouched model's.
function compare.length_drift(records, base_records)
   local own, base = compare.summary(records).median_tokens, compare.summary(base_records).median_tokens
   if not own or not base or base == 0 then return { id = "F17", status = "unknown" } end
   local ratio = own / base
   return { id = "F17", ratio = ratio, median = own, base_median = base,
      status = (ratio < SHORTER or ratio > LONGER) and "flag" or "ok" }
end

-- Share of equal texts above which two variants count as copies. Greedy answers (always the likeliest token) of two different
-- models agree less often.
local COPIES <const> = 0.95

-- F20: two quantized variants give nearly the same texts, although more than half of these differ from the untouched model's. Then
-- probably one model was measured twice.
function compare.identity(a, b, base)
   local same, differ = 0, 0
   for i = 1, #a do
      if a[i].text == b[i].text then same = same + 1 end
      if base[i] and a[i].text ~= base[i].text then differ = differ + 1 end
   end
   local share = #a > 0 and same / #a or 0
   return { id = "F20", identical_share = share, differs_from_base = differ > #a / 2,
      status = share > COPIES and differ > #a / 2 and "invalid" or "ok" }
end

-- F21: k right answers in n are not clearly more than a score that needs no model: the low end of the Wilson interval of k/n
-- (confidence interval of a proportion) is not above that score. baselines: { { name, value }, ... }.
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

-- F23: how far greedy answers (always the likeliest token) differ from the untouched model's. Returns the median of their likeness
-- (ROUGE-L, by the longest common subsequence of tokens) and the median position of the first token that differs.
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
