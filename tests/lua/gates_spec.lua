-- Tests the gates (checks of a study's validity): each passes on sound facts, fails on its own kind of fault, and is not run where
-- there is nothing to check.
local gates = require "assay.gates"
local baseline = require "assay.gates.baseline"
local calibration = require "assay.gates.calibration"
local changed_tensors = require "assay.gates.changed_tensors"
local error_growth = require "assay.gates.error_growth"
local finite_weights = require "assay.gates.finite_weights"
local identity = require "assay.gates.identity"
local json = require("assay.native").json
local short_answers = require "assay.gates.short_answers"
local stored_bytes = require "assay.gates.stored_bytes"

local subject = { id = "base", facts = { parameters = 10000000 } }

-- Returns eight answers, the first `broken` of which are exclamation marks only.
local function answers(broken)
   local out = {}
   for i = 1, 8 do
      local text = i <= broken and ("!"):rep(60) or "Paris is the capital of France, answer " .. i .. "."
      out[i] = { text = text, ids = { text:byte(1, -1) }, tokens = #text, finish = "stop" }
   end
   return out
end

local function tensor(name, finite) return { name = name, finite = finite ~= false, zero_share = 0.25 } end

-- A quantized variant with these results of its stages: `looked` of preflight (a first look at answers and weights), `summary` of quantize.
local function variant(looked, summary)
   looked.outputs = looked.outputs or answers(0)
   summary = summary or {}
   summary.linears, summary.edited = summary.linears or { { name = "a" }, { name = "b" } }, summary.edited or {}
   summary.bits_per_weight = 8
   return { id = "base/q", subject = subject, preflight = { result = looked }, made = { result = { summary = summary } } }
end

-- What a comparison of the saved checkpoint with its subject found: changed, missing and equal tensors.
local function census(more)
   local out = { changed = { tensor "a.weight", tensor "b.weight" }, missing = {}, equal = 7 }
   for key, value in pairs(more or {}) do out[key] = value end
   return out
end

describe("gate P1", function()
   it("passes if the identity stage passed", function()
      local function check(result) return (identity.check({}, { identity = result and { result = result } })) end
      assert.equal("pass", check { passed = true })
      assert.equal("fail", check { passed = false })
      assert.equal("not_run", check(nil))
   end)
end)

describe("gate P2", function()
   it("passes if the quantized tensors changed, and otherwise only tensors that the recipe edited", function()
      local status, evidence = changed_tensors.check({}, variant { census = census() })
      assert.equal("pass", status)
      assert.equal("2 linears declared, 2 tensors changed, 7 equal bit for bit, head and embedding untouched", evidence)
      local edited = census { changed = { tensor "a.weight", tensor "b.weight", tensor "norm.weight" } }
      assert.equal("pass", (changed_tensors.check({}, variant({ census = edited }, { edited = { "norm.weight" } }))))
   end)
   it("names tensors that changed without being declared, that should have changed, and that are missing", function()
      local odd = census { changed = { tensor "a.weight", tensor "norm.weight" }, missing = { "head.weight" } }
      local status, evidence = changed_tensors.check({}, variant { census = odd })
      assert.equal("fail", status)
      assert.equal("b.weight is unchanged, head.weight is missing, norm.weight was changed", evidence)
   end)
   it("is not run without a checkpoint", function()
      assert.equal("not_run", (changed_tensors.check({}, variant {})))
   end)
end)

describe("gate P3", function()
   it("compares bytes on disk with the counted bits", function()
      local function check(bytes) return (stored_bytes.check({ bytes_on_disk = { ["base/q"] = bytes } }, variant {})) end
      assert.equal("pass", check(10000000))
      assert.equal("pass", check(10600000))
      assert.equal("fail", check(11000000))
      assert.equal("fail", check(9000000))
      assert.equal("not_run", check(nil))
   end)
end)

describe("gate P4", function()
   it("names tensors that are not finite", function()
      assert.equal("pass", (finite_weights.check({}, variant { census = census() })))
      local status, evidence = finite_weights.check({}, variant { census = census { changed = { tensor("a.weight", false) } } })
      assert.equal("fail", status)
      assert.equal("a.weight", evidence)
      assert.equal("not_run", (finite_weights.check({}, variant {})))
   end)
end)

describe("gate P5", function()
   it("names the block at which the error jumps", function()
      local function check(errors) return error_growth.check({}, variant { block_errors = errors }) end
      assert.equal("pass", (check { 0.01, 0.05, 0.2 }))
      assert.equal("pass", (check { 1e-6, 1e-4, 9e-4 })) -- jumps too small to matter
      local status, evidence = check { 0.01, 0.02, 0.5 }
      assert.equal("fail", status)
      assert.equal("block 2: 0.5 after 0.02", evidence)
      assert.equal("not_run", (check(nil)))
   end)
end)

describe("gate P6", function()
   local function check(own, base)
      local untouched = { none = true, subject = subject, preflight = { result = { outputs = answers(base) } } }
      return (short_answers.check({ run = { variants = { untouched } } }, variant { outputs = answers(own) }))
   end
   it("fails where most answers are broken, and more than the untouched model's", function()
      assert.equal("pass", check(4, 0))
      assert.equal("fail", check(5, 0))
      assert.equal("fail", check(8, 7))
      assert.equal("pass", check(7, 7))
   end)
end)

describe("gate P7", function()
   local function check(calibrated, made)
      return (calibration.check { run = { study = { recipes = { { calibrated = calibrated } } } }, calibrations = made })
   end
   it("fails for sequences of fewer than 16 tokens, and passes if nothing is calibrated", function()
      local whole, scraps = { sequences = 8, tokens = 900, shortest = 16 }, { sequences = 8, tokens = 90, shortest = 15 }
      assert.equal("pass", check(true, { whole }))
      assert.equal("fail", check(true, { whole, scraps }))
      assert.equal("not_run", check(true, {}))
      assert.equal("pass", check(false, {}))
   end)
end)

describe("gate P8", function()
   local function facts(correct)
      local row = { variant = "base/none", subject = "base", task = "arc", metric = "acc", primary = true, direction = "higher",
                    unit = "fraction", value = correct / 100, counts = { items = 100, correct = correct } }
      return { rows = { row }, baselines = function() return { { name = "guess", value = 0.25 } } end,
               run = { variants = { { id = "base/none", none = true, subject = subject } } } }
   end
   it("excludes a task on which the untouched model may be guessing", function()
      local sound, guessing = facts(60), facts(28)
      assert.equal("pass", (baseline.check(sound, { id = "base/none" })))
      assert.same({}, baseline.excluded(sound))
      local status, evidence = baseline.check(guessing, { id = "base/none" })
      assert.equal("fail", status)
      assert.equal("arc 28.0 % against guess 25.0 %", evidence)
      assert.equal("arc", baseline.excluded(guessing)[1].task)
      assert.equal("base", baseline.excluded(guessing)[1].subject)
   end)
   it("is not run where no primary score is a proportion", function()
      local none = facts(60)
      none.rows = {}
      assert.equal("not_run", (baseline.check(none, { id = "base/none" })))
   end)
end)

describe("the gate of packed weights", function()
   local gate = require "assay.gates.packed_parity"
   local function of(parity)
      return { packed = { result = { kernel = "base", bound = 1e-3, parity = parity } } }
   end
   it("passes within the bound, and says which answer differs first", function()
      local status, evidence = gate.check({}, of { difference = 2e-6, tokens = 50, answers = 4, equal_answers = 3,
                                                   first_difference = { prompt = 2, token = 9, margin = 0.01 } })
      assert.equal("pass", status)
      assert.equal("largest logit difference 2e-06 of the largest logit over 50 tokens (allowed 0.001); 3 of 4 answers equal, "
                   .. "kernel base; answer 2 differs from token 9 on, where the margin was 0.01", evidence)
   end)
   it("fails beyond the bound, and for logits that are no numbers", function()
      for _, difference in ipairs { 2e-3, 0 / 0 } do
         assert.equal("fail", (gate.check({}, of { difference = difference, tokens = 50, answers = 4, equal_answers = 4 })))
      end
   end)
   it("is not run where there is nothing to compare", function()
      assert.equal("not_run", (gate.check({}, {})))
      assert.equal("not_run", (gate.check({}, { packed = { result = { reason = "no format" } } })))
   end)
end)

describe("the list of a study's gates", function()
   local untouched = { id = "base/none", none = true, subject = subject, identity = { result = { passed = true, evidence = "0" } },
                       preflight = { result = { outputs = answers(0) } } }
   local changed = variant { census = census(), block_errors = { 0.01, 0.02 } }
   local facts = { run = { study = { recipes = {} }, variants = { untouched, changed } }, rows = {}, signs = {}, distance = {},
                   calibrations = {}, bytes_on_disk = { ["base/q"] = 10000000 }, changed_variants = { "base/q" } }
   it("has each gate once for each subject, variant or study that it checks, in the order of a report", function()
      local ids = {}
      for i, gate in ipairs(gates.of_study(facts)) do ids[i] = gate.id .. " " .. (gate.scope or "study") end
      assert.same({ "P1 base", "P6 base/none", "P9 base/none", "P2 base/q", "P3 base/q", "P4 base/q", "P5 base/q", "P6 base/q",
                    "P9 base/q", "P7 study", "P8 base", "COLLAPSE base/q" }, ids)
   end)
   it("leaves out the gates of a variant that could not be made", function()
      changed.problem = "an error"
      local ids = {}
      for i, gate in ipairs(gates.of_study(facts)) do ids[i] = gate.id end
      changed.problem = nil
      assert.equal("P1 P6 P9 P7 P8 COLLAPSE", table.concat(ids, " "))
   end)
   it("is written with null for an absent scope", function()
      local written = gates.json(gates.of_study(facts))
      assert.equal(json.null, written[10].scope)
      assert.equal("the untouched model survives quantize, save and load bit for bit", written[1].message)
      assert.equal("", written[4].message)
   end)
end)
