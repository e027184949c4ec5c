-- Turns a verdict and its numbers into a sentence. tables/conclusions.lua says when a variant may be used.
-- The verdicts themselves are chosen in results/verdicts.lua.

local format = require "assay.report.format"

local words = {}

-- tone: good, bad, open or plain; it only picks a colour.
words.verdicts = {
   invalid = { tone = "bad", short = "invalid" },
   worse = { tone = "bad", short = "worse" },
   inconclusive = { tone = "open", short = "inconclusive" },
   not_run = { tone = "open", short = "not run" },
   ["non-inferior"] = { tone = "good", short = "non-inferior" },
   equivalent = { tone = "good", short = "equivalent" },
   tie = { tone = "good", short = "tie" },
   better = { tone = "good", short = "better" },
   reference = { tone = "plain", short = "reference" },
}

-- The tone of a verdict. result: the entry from which the verdict follows, or nil. A loss that is certain but smaller than the margin
-- has the verdict "worse", but the tone "open".
function words.tone(verdict, result)
   if verdict == "worse" and result and result.within_margin then return "open" end
   return (words.verdicts[verdict] or { tone = "open" }).tone
end

function words.short(verdict, result)
   local short = (words.verdicts[verdict] or { short = verdict or "not judged" }).short
   return verdict == "worse" and result and result.within_margin and short .. ", within margin" or short
end

function words.sentence(text)
   local stop = text:sub(-3) == "\u{2026}" and "" or "."
   return text:sub(1, 1):upper() .. text:sub(2) .. stop
end

local METRIC_NAMES <const> = { ppl = "perplexity", ce = "cross-entropy", acc = "accuracy",
   acc_norm = "normalised accuracy", correct = "right answers", no_answer = "no answer found", strict = "strict form",
   flexible = "last number", relaxed = "right answers, any form", balanced = "balanced score",
   HasAns_f1 = "F1, answerable", HasAns_exact = "exact match, answerable", NoAns_accuracy = "accuracy, unanswerable",
   abstention_precision = "abstentions that are right", official_f1 = "F1, official script",
   official_exact = "exact match, official script",
   empty_or_degenerate = "empty or garbled", word_ppl = "perplexity per word", byte_ppl = "perplexity per byte",
   kld = "divergence", text = "answers", repeated_4grams = "repeated sequences of four words",
   truncated = "cut at the limit" }

function words.metric(name) return METRIC_NAMES[name] or name end

local function margin_text(primary)
   if not primary then return "the margin" end
   if primary.unit == "ratio" then
      return "the declared margin of " .. format.plain(100 * (primary.margin - 1)) .. " %"
   end
   return "the declared margin of " .. format.plain(primary.margin) .. " " .. primary.unit
end

local function change_text(result)
   local estimate, range = format.change(result.paired)
   local percent = math.floor(result.paired.level * 100 + 0.5)
   return words.metric(result.metric) .. " " .. estimate .. ", " .. percent .. " % interval " .. range
end

-- Describes one result as a sentence without final stop: "perplexity +8.31 %, 95 % interval [...]: a resolved loss". A loss is
-- resolved if it is statistically certain. primary: the entry of study.primary with the margin, or nil.
function words.finding(result, primary)
   local verdict = result.verdict
   if verdict == "reference" then return "the reference that the others are compared with" end
   if not result.paired then return result.reason or "not compared with the reference" end
   local numbers = change_text(result) .. (result.below_noise and ", which is no more than the difference between two runs of one model" or "")
   local near = margin_text(primary)
   if verdict == "worse" then
      local size = result.within_margin and ", though smaller than " .. near or ""
      return numbers .. ": a resolved loss" .. size
   end
   if verdict == "better" then return numbers .. ": a resolved gain" end
   if verdict == "equivalent" then return numbers .. ": both ends lie within " .. near end
   if verdict == "non-inferior" then return numbers .. ": a loss of " .. near .. " or more is excluded" end
   if verdict == "invalid" then return numbers .. ": not to be believed, a blocking check failed" end
   if verdict == "tie" then return numbers .. ": no item differs" end
   local paired, nothing = result.paired, result.paired.quantity == "ratio" and 1 or 0
   local adjusted = paired.p_holm or paired.p_bh
   if adjusted and (paired.low > nothing or paired.high < nothing) then
      return numbers .. ": not resolved once adjusted for the study's other comparisons, p " .. format.p_value(adjusted)
   end
   local see = result.mde and " (a difference of " .. format.mde(result.mde) .. " could have been seen)" or ""
   return numbers .. ": unresolved" .. see
end

local TESTS <const> = { ["paired t"] = "paired t test, since the sign-flip test cannot give a small enough p for so few windows",
   ["sign flip, exact"] = "exact sign-flip test", ["sign flip, drawn"] = "sign-flip test, 10,000 permutations",
   ["McNemar, exact"] = "exact McNemar test" }

-- The test behind a p ("exact sign-flip test"); nil for reports that do not name it.
function words.test(paired)
   local method = paired and paired.p_method
   return method and (TESTS[method] or method)
end

function words.gate_status(status) return ({ pass = "passed", fail = "failed", not_run = "not run" })[status]
   or status end

return words
