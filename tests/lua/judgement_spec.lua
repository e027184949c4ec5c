-- Tests how a report is judged: what the guardrails find, which verdicts a failed gate withdraws, and how broken answers are counted.
local assay = require "assay"
local breakage = require "assay.results.breakage"
local gates = require "assay.gates"
local generations = require "assay.results.parts.generations"
local paired = require "assay.results.paired"
local verdicts = require "assay.results.verdicts"

local function example()
   local file = assert(io.open("tests/golden/report/example.json"))
   local data = assay.json.decode(file:read "a")
   file:close()
   return data
end

local function gate_of(list, id)
   for _, gate in ipairs(list) do if gate.id == id then return gate end end
end

-- Adds the guardrails to the report and withdraws verdicts because of them, as the last step of assemble.lua does.
local function judged(report)
   local subject_of, found = {}, gates.guardrails(report)
   for _, variant in ipairs(report.variants) do subject_of[variant.id] = variant.subject end
   report.gates = gates.json(found)
   report.results = verdicts.withdraw(report.results, found, subject_of)
   report.verdicts = verdicts.withdraw(report.verdicts, found, subject_of)
   return report
end

describe("a comparison of windows", function()
   it("says which difference could have been seen", function()
      local data = example()
      local function metric(result) return { unit = "ppl", link = "exp", kind = "mean", scores = result.series.values } end
      local known = data.results[3]
      local base
      for _, result in ipairs(data.results) do
         if result.variant == known.paired.against and result.metric == known.metric then base = base or result end
      end
      local _, mde = paired.compare(metric(known), metric(base), { seed = 1, replicates = 1000 })
      assert.near(known.mde.value, mde.value, 5e-4)
      assert.equal("ratio", mde.unit)
   end)
end)

describe("a report", function()
   it("gets forty guardrails as gates, and the example stays valid", function()
      local data = judged(example())
      assert.equal(40, #data.gates)
      assert.equal("fail", gate_of(data.gates, "G34").status)
      assert.equal("worse", data.results[3].verdict)
   end)
   it("has no verdict left when a blocking check failed", function()
      local data = example()
      data.results[3].verdict = "excellent"
      judged(data)
      assert.equal("fail", gate_of(data.gates, "G27").status)
      for _, result in ipairs(data.results) do assert.equal("invalid", result.verdict) end
      for _, verdict in ipairs(data.verdicts) do assert.equal("invalid", verdict.verdict) end
   end)
   it("loses the verdicts of one variant where the gate is about that variant", function()
      local data = example()
      local gate = { status = "fail", severity = "block", scope = "base/rtn-w3-g64" }
      for _, result in ipairs(verdicts.withdraw(data.results, { gate }, {})) do
         assert.equal(result.variant == "base/rtn-w3-g64", result.verdict == "invalid")
      end
      for _, result in ipairs(data.results) do assert.is_true(result.verdict ~= "invalid", "the rows given stay as they are") end
   end)
   it("shows loops in its generations", function()
      local data = example()
      local output = data.generations[1].outputs[4]
      output.text = "The river is " .. ("the river is "):rep(20)
      local pairs_of = {}
      for i, variant in ipairs(data.variants) do pairs_of[i] = { id = variant.id, reference = variant.subject .. "/none" } end
      generations.add_flags(data.generations, pairs_of)
      assert.contains(table.concat(output.flags, " "), "F05")
   end)
   it("is judged the same each time", function()
      assert.equal(assay.json.encode(judged(example())), assay.json.encode(judged(example())))
   end)
   it("can still be rendered as HTML", function()
      local page = require("assay.report").render(judged(example()), "html")
      assert.contains(page, "checks that passed or had nothing to look at")
   end)
end)

describe("answers that break", function()
   it("are counted per variant beside the untouched model's", function()
      local function variant(id, text)
         local outputs = {}
         for i = 1, 4 do
            local answer = i == 1 and text or "The capital of France is Paris, number " .. i .. "."
            outputs[i] = { id = "p" .. i, text = answer, ids = { answer:byte(1, -1) }, tokens = #answer, finish = "stop" }
         end
         return { id = id, subject = "b", none = id == "b/none", measured = { t = { result = { outputs = outputs } } } }
      end
      local run = { study = { tasks = { { id = "t" } }, subjects = { "b" } },
                    variants = { variant("b/none", "Paris."), variant("b/q", "The river is " .. ("the river is "):rep(20)) } }
      local found
      for _, row in ipairs(breakage.of_answers(run)) do if row.id == "F05" then found = row end end
      assert.equal("b/q", found.variant)
      assert.equal(1, found.count)
      assert.equal(0, found.base_count)
      assert.equal(4, found.items)
   end)
end)
