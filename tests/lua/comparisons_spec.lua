-- From scores to comparisons: clusters, families, what is left out of them. Not the statistics themselves (stats_spec.lua).
local judge_items = require "assay.results.judge_items"
local native = require "assay.native"

describe("items of one article", function()
  it("are resampled together where scores are graded", function()
    local function row(id, scores)
      return { variant = { id = id }, stage = { result = { clusters = { "a", "a", "b", "b", "c", "c" },
        metrics = { m = { value = 0.5, unit = "fraction", direction = "higher", kind = "mean", scores = scores } } } } }
    end
    local results = judge_items.results({ id = "t" }, "m", { row("b/none", { 1, 0.5, 0.2, 0.3, 0.4, 0.6 }),
      row("b/q", { 0.5, 0.4, 0.1, 0.3, 0.2, 0.5 }) }, { seed = 1, replicates = 1000 })
    assert.contains(results[1].interval.method, "cluster bootstrap")
    assert.contains(results[2].paired.method, "3 clusters")
  end)
end)

describe("right or wrong over passages", function()
  local function results(clusters)
    local function row(id, wrong)
      local scores = {}
      for i = 1, 60 do scores[i] = i <= wrong and 0 or 1 end
      return { variant = { id = id }, stage = { result = { clusters = clusters,
        metrics = { acc = { value = 1 - wrong / 60, unit = "fraction", direction = "higher", kind = "binary", scores = scores } } } } }
    end
    return judge_items.results({ id = "t" }, "acc", { row("b/none", 12), row("b/q", 24) }, { seed = 1, replicates = 2000 })[2]
  end
  it("has a wider interval and a larger p where items of one passage fall together", function()
    local clusters = {}
    for i = 1, 60 do clusters[i] = "passage " .. (i - 1) // 6 end
    local alone, together = results(nil), results(clusters)
    assert.equal(alone.paired.estimate, together.paired.estimate)
    assert.is_true(together.paired.low < alone.paired.low)
    assert.is_true(together.paired.p > alone.paired.p)
    assert.near(alone.paired.p, together.paired.p_mcnemar, 1e-15)
    assert.near(0.5, together.paired.p, 0.02) -- two passages changed: the least two signs can show
    assert.is_true(together.mde.value > alone.mde.value)
    assert.contains(together.paired.method, "10 clusters")
    assert.contains(together.paired.method, "no narrower than Tango")
  end)
end)

describe("a family of comparisons", function()
  local function result(p, low, high)
    return { direction = "higher", paired = { quantity = "difference", p = p, p_holm = native.json.null, low = low, high = high,
      estimate = (low + high) / 2, lost = 5, gained = 1 } }
  end
  it("adjusts claims by Holm and exploration by Benjamini-Hochberg", function()
    local a, b = { result(0.01, -9, -1), result(0.04, -9, -1) }, { result(0.01, -9, -1), result(0.04, -9, -1) }
    judge_items.adjust(a, "holm")
    judge_items.adjust(b, "benjamini_hochberg")
    assert.near(0.02, a[1].paired.p_holm, 1e-12)
    assert.near(0.04, a[2].paired.p_holm, 1e-12)
    assert.near(0.02, b[1].paired.p_bh, 1e-12)
  end)
  it("does not count comparisons that gate P8 has excluded", function()
    local judge = require "assay.results.judge"
    local fake = { alpha = 0.05, tasks = {}, primary = nil, variants = function() return {} end }
    fake.tasks[1] = { id = "t", options = {}, definition = { metrics = { { name = "m", unit = "fraction" } } } }
    local results = { result(0.01, -9, -1), result(0.04, -9, -1), result(0.5, -9, 9) }
    for i, one in ipairs(results) do one.task, one.metric, one.variant, one.counts = "t", "m", "v" .. i, { items = 1000 } end
    results[3].excluded, results[3].verdict = true, "invalid"
    judge.finish({ study = fake }, results)
    assert.near(0.02, results[1].paired.p_holm, 1e-12)
    assert.near(0.04, results[2].paired.p_holm, 1e-12)
    assert.equal(native.json.null, results[3].paired.p_holm)
    assert.equal("invalid", results[3].verdict)
    assert.equal("worse", results[1].verdict)
  end)
  it("calls no difference a tie only where one of the margin's size is excluded", function()
    local same = result(1, -16, 16)
    same.paired.lost, same.paired.gained = 0, 0
    assert.equal("inconclusive", (judge_items.word(same, 3, 0.05)))
    same.paired.low, same.paired.high = -0.5, 0.5
    assert.equal("tie", (judge_items.word(same, 3, 0.05)))
  end)
end)
