-- What follows from a report itself: smallest visible differences, flags, guardrails, and invalid verdicts.
local assay = require "assay"
local enrich = require "assay.results.enrich"

local function example()
  local file = assert(io.open("tests/golden/report/example.json"))
  local data = assay.json.decode(file:read "a")
  file:close()
  return data
end

local function gate_of(report, id)
  for _, gate in ipairs(report.gates) do if gate.id == id then return gate end end
end

describe("a report", function()
  it("gets the smallest visible difference from its windows", function()
    local data = example()
    local known = data.results[3].mde.value
    data.results[3].mde = assay.json.null
    enrich(data)
    assert.near(known, data.results[3].mde.value, 5e-4)
    assert.equal("ratio", data.results[3].mde.unit)
  end)
  it("gets forty guardrails as gates, and the example stays valid", function()
    local data = example()
    data.gates = assay.json.list {}
    enrich(data)
    assert.equal(40, #data.gates)
    assert.equal("fail", gate_of(data, "G34").status)
    assert.equal("worse", data.results[3].verdict)
  end)
  it("has no verdict left when a blocking check failed", function()
    local data = example()
    data.results[3].verdict = "excellent"
    enrich(data)
    assert.equal("fail", gate_of(data, "G27").status)
    for _, result in ipairs(data.results) do assert.equal("invalid", result.verdict) end
    for _, verdict in ipairs(data.verdicts) do assert.equal("invalid", verdict.verdict) end
  end)
  it("shows loops in its generations", function()
    local data = example()
    local output = data.generations[1].outputs[4]
    output.text = "The river is " .. ("the river is "):rep(20)
    enrich(data)
    assert.contains(table.concat(output.flags, " "), "F05")
    local found
    for _, row in ipairs(data.detectors) do found = found or row.id == "F05" and row.variant == "base/rtn-w3-g64" and row.count end
    assert.equal(1, found)
  end)
  it("is the same each time", function()
    assert.equal(assay.json.encode(enrich(example())), assay.json.encode(enrich(example())))
  end)
  it("still renders", function()
    local page = require("assay.report").render(enrich(example()), "html")
    assert.contains(page, "checks that passed or had nothing to look at")
  end)
end)
