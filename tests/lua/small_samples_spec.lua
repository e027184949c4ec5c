-- Tests perplexity over few windows: which statistical test gives the p value, and that a large loss over six windows is found.
local comparisons = require "assay.results.comparisons"
local families = require "assay.results.families"
local verdicts = require "assay.results.verdicts"

local study = { alpha = 0.05, seed = 1 }
local options = { seed = 1, replicates = 1000 }

-- Returns the compared result rows of an untouched model and its variants. changes[k][i] is the cross-entropy of window
-- i in variant k minus that in the untouched model.
local function rows_of(changes)
   local function row(id, change)
      local scores = {}
      for i = 1, #changes[1] do scores[i] = 3 + 0.3 * math.sin(5 * i) + (change and change[i] or 0) end
      return { variant = { id = id }, stage = { result = { metrics = { ppl = { value = 20, unit = "ppl", direction = "lower",
         kind = "mean", link = "exp", scores = scores } } } } }
   end
   local measured = { row "b/none" }
   for k, change in ipairs(changes) do measured[k + 1] = row("b/q" .. k, change) end
   local rows = comparisons.of_task({ id = "p" }, "ppl", measured, options)
   for _, one in ipairs(rows) do one.primary, one.margin, one.subject = true, 1.02, "b" end
   return rows
end

-- Returns n differences of cross-entropy, each between log(1.15) and log(1.32). Rounding to
-- few bits causes such a loss.
local function loss(n)
   local out = {}
   for i = 1, n do out[i] = 0.2 + 0.06 * math.sin(i) end
   return out
end

local function judged(rows)
   local p = families.p_values(rows, {}, study)
   return verdicts.judge(rows, p, {}, {}, study.alpha), p
end

describe("six windows", function()
   it("show a loss of 15 % to 32 % in three recipes at once, by the paired t test", function()
      local rows = rows_of { loss(6), loss(6), loss(6) }
      local words, p = judged(rows)
      for i = 2, 4 do
         assert.equal("paired t", p[rows[i]].p_method)
         assert.is_true(p[rows[i]].p_holm < 0.05)
         assert.equal("worse", words[i].verdict)
         assert.equal("paired Student t, 6 windows", rows[i].paired.method)
         assert.is_true(rows[i].paired.low > 1.1 and rows[i].paired.high < 1.4)
      end
   end)
   it("of only one recipe are tested by the sign-flip test, which finds the same loss", function()
      local rows = rows_of { loss(6) }
      local words, p = judged(rows)
      assert.equal("sign flip, exact", p[rows[2]].p_method)
      assert.near(2 / 64, p[rows[2]].p, 1e-12)
      assert.equal("worse", words[2].verdict)
   end)
   it("whose changes have both signs show no loss", function()
      local change = { 0.08, -0.04, 0.06, -0.08, 0.02, -0.04 }
      local words, p = judged(rows_of { change, change, change })
      assert.equal("inconclusive", words[2].verdict)
      assert.equal("paired t", select(2, next(p)).p_method)
   end)
   it("that are equal to the untouched model's are tested by the sign-flip test, since the t test needs a spread", function()
      local same = { 0, 0, 0, 0, 0, 0 }
      local words, p = judged(rows_of { same, same, same })
      local one = select(2, next(p))
      assert.equal(1, one.p)
      assert.equal("sign flip, exact", one.p_method)
      assert.equal("equivalent", words[2].verdict)
   end)
   it("get the same test whatever their differences are", function()
      local rows = rows_of { loss(6), { 0.02, -0.01, 0.015, -0.02, 0.005, -0.01 } }
      local p = families.p_values(rows, {}, study)
      assert.equal(p[rows[2]].p_method, p[rows[3]].p_method)
   end)
end)

-- The sign-flip test of n windows gives no p below 2 / 2^n. Holm's adjustment multiplies the smallest p by the number of recipes,
-- so the test can find a difference only if that product is below 0.05.
describe("more windows", function()
   it("are tested by the sign-flip test as soon as its p can stay below 0.05 after Holm's adjustment", function()
      local function method(n, n_recipes)
         local changes = {}
         for k = 1, n_recipes do changes[k] = loss(n) end
         local rows = rows_of(changes)
         return families.p_values(rows, {}, study)[rows[2]].p_method
      end
      assert.equal("paired t", method(7, 4))          -- 4 recipes x 2/128 = 0.0625
      assert.equal("sign flip, exact", method(7, 3))  -- 3 recipes x 2/128 = 0.047
      assert.equal("sign flip, exact", method(12, 6))
      assert.equal("sign flip, drawn", method(24, 3))
   end)
end)

describe("few graded items", function()
   it("are never tested by the t test, since equal grades would look like certainty", function()
      local function row(id, score)
         return { variant = { id = id }, stage = { result = { metrics = { f1 = { value = score, unit = "fraction",
            direction = "higher", kind = "mean", scores = { score, score, score, score } } } } } }
      end
      local rows = comparisons.of_task({ id = "t" }, "f1", { row("b/none", 0.9), row("b/q", 0.4), row("b/r", 0.4) }, options)
      for _, one in ipairs(rows) do one.primary, one.margin = true, 1 end
      local p = families.p_values(rows, {}, study)
      assert.equal("sign flip, exact", p[rows[2]].p_method)
      assert.near(0.125, p[rows[2]].p, 1e-12)
   end)
end)
