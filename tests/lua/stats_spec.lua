-- Tests the statistical functions that Lua scripts call: they give published numbers, and
-- their errors name the mistake.
local stats = require("assay.native").stats

describe("the functions for proportions", function()
   it("give the published numbers", function()
      local i = stats.wilson(10, 20)
      assert.near(0.2993, i.low, 5e-5)
      assert.near(0.7007, i.high, 5e-5)
      assert.equal("Wilson", i.method)
      assert.near(0.1684, stats.clopper_pearson(0, 20).high, 5e-5)
      assert.near(-0.0190, stats.tango(70, 45, 1319).estimate, 5e-5)
      assert.near(0.0248, (stats.mcnemar(70, 45)), 5e-5)
   end)
   it("count how many pairs are right in both, in one or in none", function()
      assert.same({ both = 1, lost = 1, gained = 1, neither = 0 }, stats.pairs({ 1, 1, 0 }, { 1, 0, 1 }))
   end)
end)

describe("resampling", function()
   local reference, variant = {}, {}
   for i = 1, 24 do
      reference[i] = 3 + 0.1 * math.sin(i)
      variant[i] = reference[i] + 0.08 + 0.004 * math.cos(3 * i)
   end
   it("pairs windows", function()
      local r = stats.perplexity_ratio(variant, reference, { seed = 1, replicates = 2000 })
      assert.near(math.exp(0.08), r.estimate, 1e-3)
      assert.is_true(r.low < r.estimate and r.estimate < r.high)
      assert.equal("paired bootstrap, BCa, 2000 replicates, seed 1, 24 windows", r.method)
   end)
   it("gives the same numbers for the same seed", function()
      local a = stats.bootstrap(variant, { seed = 7, replicates = 1000 })
      local b = stats.bootstrap(variant, { seed = 7, replicates = 1000 })
      assert.same(a, b)
   end)
   it("can draw whole clusters", function()
      local names = {}
      for i = 1, 24 do names[i] = "c" .. i // 6 end
      assert.contains(stats.bootstrap(variant, { clusters = names }).method, "cluster bootstrap")
   end)
   it("tests differences by flipping their signs", function()
      local differences = {}
      for i = 1, 24 do differences[i] = variant[i] - reference[i] end
      local p, n, exact = stats.sign_flip(differences, { seed = 1 })
      assert.is_true(p < 0.001)
      assert.equal(10000, n)
      assert.equal(false, exact)
   end)
end)

describe("means, quantiles and the paired t test", function()
   it("agree with numbers worked out by hand", function()
      assert.equal(2.5, stats.mean { 1, 2, 3, 4 })
      assert.near(math.sqrt(5 / 3), stats.standard_deviation { 1, 2, 3, 4 }, 1e-12)
      assert.equal(2.5, stats.median { 4, 1, 3, 2 })
      assert.near(1.3, stats.quantile({ 4, 1, 3, 2 }, 0.1), 1e-12)
      assert.near(0.0028959, stats.paired_t { 0.1, 0.1, 0.15, 0.1 }, 1e-6) -- t = 9, 3 degrees of freedom
      assert.is_nil(stats.paired_t { 0.1, 0.1, 0.1 })
      assert.equal(2 / 64, stats.sign_flip_floor(6))
   end)
end)

describe("misuse", function()
   it("is an error that names the mistake", function()
      assert.raises("a proportion needs 0 <= k <= n and n >= 1, not 3 of 2", stats.wilson, 3, 2)
      assert.raises("paired scores must come from the same items: 2 against 1", stats.perplexity_ratio, { 1, 2 }, { 1 })
   end)
end)

describe("many comparisons and planning", function()
   it("adjust p values by Holm's method", function() assert.near(0.03, stats.holm({ 0.01, 0.04, 0.03, 0.005 })[1], 1e-12) end)
   it("compute how many items a difference needs, and which difference the given items can show", function()
      assert.equal(873, stats.items_for_mde(0.10, 0.03))
      assert.near(0.14, stats.mde_paired(0.05, 20), 5e-4)
   end)
end)
