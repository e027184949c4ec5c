-- Tests the detectors (rules that look for signs of broken output): loops, empty answers, cut answers, drift of length. They find
-- nothing in good answers. scripts/assay/detectors/README.md says what F01 to F23 look for.
local detectors = require "assay.detectors"
local compare = detectors.compare

local function ids_of(text) return { text:byte(1, -1) } end
local function record(text, more)
   local out = { text = text, ids = ids_of(text), finish = "stop" }
   for key, value in pairs(more or {}) do out[key] = value end
   return out
end

local GOOD <const> = "The capital of France is Paris, and the river Seine runs through it."

describe("one answer", function()
   it("of the ordinary kind raises nothing", function() assert.same({}, (detectors.sample(record(GOOD)))) end)
   it("of exclamation marks is a loop, compressible, one token, and nothing after normalising", function()
      local flags = detectors.sample(record(("!"):rep(1000), { finish = "length" }))
      for _, id in ipairs { "F02", "F04", "F05", "F08", "F11" } do assert.is_true(flags[id] ~= nil, id) end
      assert.equal("1 × 256", flags.F05)
   end)
   it("that is empty is F03 and not F04", function()
      local flags = detectors.sample(record " \n")
      assert.is_true(flags.F03 ~= nil)
      assert.is_nil(flags.F04)
   end)
   it("of articles and dots normalises to nothing", function()
      for _, text in ipairs { "the", "...", "A" } do assert.is_true(detectors.sample(record(text)).F04 ~= nil, text) end
      assert.is_nil(detectors.sample(record "Paris").F04)
      assert.is_true(detectors.sample(record "\u{a0}The\u{a0}").F04 ~= nil)
      assert.is_nil(detectors.sample(record "。").F04) -- not ASCII punctuation, so normalising keeps it
   end)
   it("in another script than Latin is found", function()
      assert.is_true(detectors.sample(record "Paris 是法国的首都，塞纳河流经巴黎市区并且非常有名").F12 ~= nil)
   end)
   it("that echoes its prompt or leaks markup is found", function()
      local prompt = "Please explain to me in detail why the sky is blue today"
      assert.equal("echo", detectors.sample(record(prompt .. "!", { prompt = prompt })).F19)
      assert.equal("<|im_end|>", detectors.sample(record "Yes.<|im_end|>").F19)
   end)
   it("with numbers that are not finite, or with a low probability, is found", function()
      assert.equal(1, detectors.sample(record(GOOD, { nonfinite = 1 })).F01)
      assert.equal(-2.5, detectors.sample(record(GOOD, { mean_logprob = -2.5 }), { mean_logprob_p1 = -1.4 }).F10)
      assert.is_nil(detectors.sample(record(GOOD, { mean_logprob = -2.3 }), { mean_logprob_p1 = -1.4 }).F10)
   end)
   it("that says the same thing again and again is found by its phrases, lines and sentences", function()
      local flags = detectors.sample(record(("The answer is forty-two, as I have said before. "):rep(12)))
      for _, id in ipairs { "F06", "F07", "F09" } do assert.is_true(flags[id] ~= nil, id) end
      assert.is_nil(detectors.sample(record(("one two three four. "):rep(2) .. GOOD)).F09)
   end)
   it("is F18 if it stops at once, F22 if it never stops thinking, F16 if it lacks the asked form", function()
      local short = { text = "Yes", ids = { 1, 2 }, tokens = 2, finish = "stop" }
      assert.equal(2, detectors.sample(short, { median_tokens = 80 }).F18)
      assert.is_nil(detectors.sample(short, { median_tokens = 4 }).F18)
      assert.equal("open", detectors.sample(record("<think>Let me see whether it is", { finish = "length" })).F22)
      assert.is_nil(detectors.sample(record("<think>Let me see.</think> It is.", { finish = "length" })).F22)
      assert.equal("no answer", detectors.sample(record(GOOD, { no_answer = true })).F16)
   end)
   it("with lost characters is found", function() assert.equal(1, detectors.sample(record "caf\u{FFFD}").F13) end)
end)

describe("every sign", function()
   it("has an id and a name of its own", function()
      local seen = {}
      for i = 1, 23 do
         local name = detectors.name(("F%02d"):format(i))
         assert.equal("string", type(name))
         assert.is_nil(seen[name], name)
         seen[name] = true
      end
      assert.equal("loop_at_end", detectors.name "F05")
      assert.equal("loop at the end", detectors.title "F05")
      assert.equal("label_bias", detectors.name "F14")
      assert.is_nil(detectors.name "F99")
   end)
end)

describe("a set of answers", function()
   local base, quant = {}, {}
   for i = 1, 20 do
      base[i] = record(GOOD .. (" Number %d."):format(i))
      quant[i] = i <= 5 and record(("loop "):rep(60), { finish = "length" }) or base[i]
   end
   it("is compared by rates", function()
      local seen = {}
      for _, row in ipairs(compare.rates(quant, base)) do seen[row.id] = row end
      assert.equal(5, seen.F02.count)
      assert.equal(0, seen.F02.base_count)
      assert.equal("flag", seen.F02.status)
      assert.equal("flag", seen.F05.status)
   end)
   it("is only flagged, not invalid, if the untouched model is cut off about as often", function()
      local function set(n_cut)
         local out = {}
         for i = 1, 48 do
            out[i] = { text = "An answer of its own, number " .. i .. ".", ids = { i, i + 1, i + 2, i + 3 }, tokens = 4,
               finish = i <= n_cut and "length" or "stop" }
         end
         return out
      end
      assert.equal("flag", compare.rates(set(31), set(27))[1].status)
      assert.equal("invalid", compare.rates(set(31), set(10))[1].status)
   end)
   it("is invalid when most answers are cut off", function()
      local cut = {}
      for i = 1, 20 do cut[i] = record(GOOD, { finish = i <= 11 and "length" or "stop" }) end
      assert.equal("invalid", compare.rates(cut, base)[1].status)
      assert.equal(1, #detectors.collapse { rates = compare.rates(cut, base) })
   end)
   it("shows drift of length", function()
      assert.equal("ok", compare.length_drift(quant, base).status)
      local short = {}
      for i = 1, 20 do short[i] = record "Paris." end
      assert.equal("flag", compare.length_drift(short, base).status)
   end)
   it("shows how far the answers differ", function()
      local row = compare.divergence(quant, base)
      assert.equal(15, row.identical)
      assert.equal(1, row.median_rouge_l)
      assert.equal(0, row.median_first_divergence)
   end)
   it("is invalid if two variants share it and the reference does not", function()
      local same = {}
      for i = 1, 20 do same[i] = record "!!!!" end
      assert.equal("invalid", compare.identity(same, same, base).status)
      assert.equal("ok", compare.identity(base, base, base).status)
   end)
end)

describe("labels and trivial scores", function()
   it("show a favourite letter", function()
      local gold, predicted = {}, {}
      for i = 1, 40 do gold[i], predicted[i] = ("ABCD"):sub(i % 4 + 1, i % 4 + 1), "A" end
      assert.equal("flag", compare.label_bias(predicted, gold).status)
      assert.equal("ok", compare.label_bias(gold, gold).status)
      assert.equal("flag", compare.constant_answer(predicted, gold).status)
      assert.equal("F14", compare.label_bias(predicted, gold).id)
      assert.equal("F15", compare.constant_answer(predicted, gold).id)
      assert.near(0.433, compare.label_bias(predicted, gold).recall_spread, 0.001)
   end)
   it("are flagged if the interval contains the trivial score", function()
      local row = compare.at_trivial(10, 20, { { name = "always abstaining", value = 0.5 } })
      assert.equal("flag", row.status)
      assert.equal("ok", compare.at_trivial(15, 20, { { name = "random", value = 0.25 } }).status)
   end)
end)

describe("the collapse rule", function()
   it("names its reasons", function()
      assert.same({}, detectors.collapse { kld_mean = 0.1, ppl_ratio = 1.2 })
      assert.same({ "divergence of 2.50 nats from the untouched model", "perplexity 4.0 times the untouched model's",
         "2 tasks at their trivial score while the untouched model is above" },
         detectors.collapse { kld_mean = 2.5, ppl_ratio = 4, tasks_at_trivial = 2 })
   end)
end)
