-- Tests how scores become comparisons of variants: clusters (items of one passage), families (tests whose p values are adjusted
-- together), and what is left out of a family. The statistics themselves are tested in stats_spec.lua.
local comparisons = require "assay.results.comparisons"
local families = require "assay.results.families"
local verdicts = require "assay.results.verdicts"

describe("items of one article", function()
   it("are resampled together where scores are not just 0 and 1", function()
      local function row(id, scores)
         return { variant = { id = id }, stage = { result = { clusters = { "a", "a", "b", "b", "c", "c" },
            metrics = { m = { value = 0.5, unit = "fraction", direction = "higher", kind = "mean", scores = scores } } } } }
      end
      local results = comparisons.of_task({ id = "t" }, "m", { row("b/none", { 1, 0.5, 0.2, 0.3, 0.4, 0.6 }),
         row("b/q", { 0.5, 0.4, 0.1, 0.3, 0.2, 0.5 }) }, { seed = 1, replicates = 1000 })
      assert.contains(results[1].interval.method, "cluster bootstrap")
      assert.contains(results[2].paired.method, "3 clusters")
   end)
end)

describe("the comparison of right and wrong answers", function()
   local function results(clusters)
      local function row(id, wrong)
         local scores = {}
         for i = 1, 60 do scores[i] = i <= wrong and 0 or 1 end
         return { variant = { id = id }, stage = { result = { clusters = clusters,
            metrics = { acc = { value = 1 - wrong / 60, unit = "fraction", direction = "higher", kind = "binary", scores = scores } } } } }
      end
      local compared = comparisons.of_task({ id = "t" }, "acc", { row("b/none", 12), row("b/q", 24) }, { seed = 1, replicates = 2000 })[2]
      compared.primary = true
      compared.p = families.p_values({ compared }, {}, { alpha = 0.05, seed = 1 })[compared]
      return compared
   end
   it("has a wider interval and a larger p if the items of one passage change together", function()
      local clusters = {}
      for i = 1, 60 do clusters[i] = "passage " .. (i - 1) // 6 end
      local alone, together = results(nil), results(clusters)
      assert.equal(alone.paired.estimate, together.paired.estimate)
      assert.is_true(together.paired.low < alone.paired.low)
      assert.is_true(together.p.p > alone.p.p)
      assert.near(alone.p.p, together.paired.p_mcnemar, 1e-15)
      assert.near(0.5, together.p.p, 0.02) -- only two passages changed, and two signs give no smaller p
      assert.is_true(together.mde.value > alone.mde.value)
      assert.contains(together.paired.method, "10 clusters")
      assert.contains(together.paired.method, "no narrower than Tango")
   end)
end)

describe("a family of comparisons", function()
   -- A row of a primary metric whose test gives the value p.
   local function row(p, low, high)
      return { direction = "higher", primary = true, margin = 3, paired = { quantity = "difference", low = low, high = high,
         estimate = (low + high) / 2, lost = 5, gained = 1, test = { mcnemar = p } } }
   end
   local study = { alpha = 0.05, seed = 1 }
   it("adjusts the p of primary metrics by Holm, and of exploratory ones by Benjamini-Hochberg", function()
      local rows = { row(0.01, -9, -1), row(0.04, -9, -1), row(0.01, -9, -1), row(0.04, -9, -1) }
      rows[3].primary, rows[4].primary = false, false
      local p = families.p_values(rows, {}, study)
      assert.near(0.02, p[rows[1]].p_holm, 1e-12)
      assert.near(0.04, p[rows[2]].p_holm, 1e-12)
      assert.near(0.02, p[rows[3]].p_bh, 1e-12)
      assert.is_nil(p[rows[3]].p_holm)
      assert.equal("McNemar, exact", p[rows[1]].p_method)
   end)
   it("does not count comparisons that gate P8 has excluded", function()
      local rows = { row(0.01, -9, -1), row(0.04, -9, -1), row(0.5, -9, 9) }
      for i, one in ipairs(rows) do one.task, one.metric, one.variant, one.counts = "t", "m", "v" .. i, { items = 1000 } end
      local excluded = { [rows[3]] = true }
      local p = families.p_values(rows, excluded, study)
      local judged = verdicts.judge(rows, p, excluded, {}, 0.05)
      assert.near(0.02, p[rows[1]].p_holm, 1e-12)
      assert.near(0.04, p[rows[2]].p_holm, 1e-12)
      assert.is_nil(p[rows[3]].p_holm)
      assert.equal("invalid", judged[3].verdict)
      assert.equal("worse", judged[1].verdict)
      assert.is_nil(rows[1].verdict, "the rows given stay as they are")
   end)
   it("calls equal scores a tie only if a loss as large as the margin is excluded", function()
      local same = row(1, -16, 16)
      same.paired.lost, same.paired.gained = 0, 0
      assert.equal("inconclusive", (verdicts.word(same, { p_holm = 1 }, 0.05)))
      same.paired.low, same.paired.high = -0.5, 0.5
      assert.equal("tie", (verdicts.word(same, { p_holm = 1 }, 0.05)))
   end)
   it("follows the table of results/README.md from top to bottom", function()
      local function word(change, p, gates)
         local one = row(p or 0.001, -9, -1)
         one.subject, one.mde = "b", { value = 1 }
         for key, value in pairs(change) do if key == "low" or key == "high" then one.paired[key] = value else one[key] = value end end
         if change.no_pair then one.paired = nil end
         local judged = verdicts.judge({ one }, { [one] = { p_holm = p or 0.001 } }, {}, gates or {}, 0.05)[1]
         return judged.verdict, judged.within_margin
      end
      assert.equal("invalid", word({ reference = true }, nil, { { status = "fail", severity = "block", scope = "b" } }))
      assert.equal("invalid", word({}, nil, { { status = "fail", severity = "block" } }))
      assert.equal("worse", word({}, nil, { { status = "fail", severity = "flag" }, { status = "fail", severity = "block", scope = "c" } }))
      assert.equal("reference", word { reference = true })
      assert.equal("inconclusive", word { no_pair = true, reason = "too few items for a comparison" })
      assert.equal("worse", word {})
      assert.equal(true, select(2, word { low = -2, high = -1 }))
      assert.equal(false, select(2, word {}))
      assert.equal("better", word { low = 1, high = 9 })
      assert.equal("equivalent", word({ low = -2, high = 2 }, 0.9))
      assert.equal("non-inferior", word({ low = -2, high = 9 }, 0.9))
      assert.equal("inconclusive", word({ low = -2, high = 2, mde = { value = 4 } }, 0.9))
      assert.equal("inconclusive", word({}, 0.06))
   end)
end)
