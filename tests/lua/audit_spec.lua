-- Tests the guardrails of the audit (rules about what in a report cannot be believed): three published studies fire exactly the
-- expected rules, and a sound report fires none that blocks it.
local assay = require "assay"
local audit = require "assay.audit"
local page = require "assay.audit.page"
local text_lint = require "assay.audit.text_lint"

local function read(path)
   local file = assert(io.open(path))
   local text = file:read "a"
   file:close()
   return assay.json.decode(text)
end

local function fired(name) return table.concat(audit.fired(audit.run(read("tests/golden/audit/" .. name .. ".json"))), " ") end

describe("the audit", function()
   it("has the rules G01 to G40, each complete", function()
      local ids = {}
      for i, rule in ipairs(audit.rules()) do
         ids[i] = rule.id
         assert.is_true(audit.severities[rule.severity] ~= nil, rule.id)
         for _, key in ipairs { "title", "message" } do assert.equal("string", type(rule[key]), rule.id) end
         assert.equal("function", type(rule.check), rule.id)
      end
      assert.equal(40, #ids)
      for i, id in ipairs(ids) do assert.equal(("G%02d"):format(i), id) end
   end)

   -- scripts/assay/audit/README.md says what each rule looks for. Rules that need what a report lacks (for example raw outputs
   -- or hashes) answer "not checkable" and are not in these lists.
   it("refuses the AWQ study", function()
      assert.equal("G01 G02 G03 G04 G05 G06 G07 G10 G12 G14 G18 G19 G20 G21 G24 G27 G28 G29 G34 G35 G40", fired "awq")
   end)
   it("refuses the GPTQ study", function()
      assert.equal("G01 G02 G03 G04 G05 G06 G07 G08 G09 G10 G11 G13 G19 G20 G22 G24 G25 G27 G30 G34 G35 G36 G40", fired "gptq")
   end)
   it("refuses the SmoothQuant study", function()
      assert.equal("G01 G02 G03 G04 G05 G06 G07 G10 G12 G15 G16 G17 G23 G24 G25 G27 G29 G32 G34 G35 G36 G40", fired "smoothquant")
   end)
   -- G34: the example has no A/A run (one model measured twice), which would show how large chance differences are.
   it("finds in the example only the missing noise floor", function()
      local findings = audit.run(read "tests/golden/report/example.json")
      assert.same({ "G34" }, audit.fired(findings))
      assert.equal(false, audit.blocked(findings))
   end)
   it("says what it concludes", function()
      local text = page.text(audit.run(read "tests/golden/audit/gptq.json"))
      assert.contains(text, "18 blocking and 5 other guardrails fired")
      assert.contains(text, "no claim of this report can be made from what it shows")
      assert.contains(text, "Trained Model GPTQ: 249.9% accuracy retention: the counts give 250.0 %")
   end)
   it("gives a gate for each rule, for the report of a study", function()
      local gates = require("assay.gates").guardrails(read "tests/golden/report/example.json")
      assert.equal(40, #gates)
      assert.equal("fail", gates[34].status)
      assert.equal("flag", gates[34].severity)
   end)
end)

describe("a change that breaks the example", function()
   local function with(change)
      local data = read "tests/golden/report/example.json"
      change(data)
      local ids = {}
      for _, id in ipairs(audit.fired(audit.run(data))) do ids[id] = true end
      return ids
   end
   it("fires G19 when the file is larger than the bits of its weights", function()
      assert.is_true(with(function(d) d.variants[3].bytes_on_disk = 2 * d.variants[3].bytes_on_disk end).G19)
   end)
   it("fires G25 when a result is missing", function()
      assert.is_true(with(function(d) d.results[3] = nil; d.results[4] = nil end).G25)
   end)
   it("fires G27 for a verdict that is not in the list", function()
      assert.is_true(with(function(d) d.results[2].verdict = "excellent" end).G27)
   end)
   it("fires G01 when the smallest visible difference exceeds the margin", function()
      assert.is_true(with(function(d) d.results[2].mde.value = 0.05 end).G01)
   end)
   it("fires G19 when few bits are promised and sixteen stored", function()
      assert.is_true(with(function(d)
         d.variants[3].recipe = { quantizer = { id = "rtn", config = { bits = 4 } } }
         d.variants[3].linear_bits_per_weight = 16
      end).G19)
   end)
   it("fires G05 when one half of SQuAD gains and the other half is lost", function()
      local function squad(has, none)
         return with(function(d)
            d.tasks[#d.tasks + 1] = { id = "squad_v2", title = "SQuAD", kind = "generation", metrics = {}, baselines = {},
               protocol = { id = "squad_v2/lab-1/1", name = "squad_v2/lab-1", abstentions = { "unanswerable" } } }
            for i, variant in ipairs(d.variants) do
               for metric, value in pairs { HasAns_f1 = i == 1 and 0.8 or has, NoAns_accuracy = i == 1 and 0.1 or none } do
                  table.insert(d.results, { variant = variant.id, task = "squad_v2", metric = metric, value = value,
                     unit = "fraction", direction = "higher", kind = "ratio", primary = false, counts = { items = 50 },
                     verdict = i == 1 and "reference" or "inconclusive", reason = "of the test",
                     interval = { low = 0, high = 1, level = 0.95, method = "of the test" } })
               end
            end
         end).G05
      end
      assert.is_true(squad(0.05, 0.9))
      assert.is_nil(squad(0.75, 0.15))
      assert.is_nil(squad(0.05, 0.05))
   end)
   it("fires G09 for answers of another length: a small change over many items, a large one even over few", function()
      local function drifted(items, ratio)
         return with(function(d)
            d.resources = {}
            for i, variant in ipairs(d.variants) do
               d.resources[i] = { variant = variant.id, items = items, tokens_per_item = i == 1 and 100 or 100 * ratio }
            end
         end).G09
      end
      assert.is_true(drifted(200, 1.3))
      assert.is_nil(drifted(20, 1.3))
      assert.is_true(drifted(20, 9))
      assert.is_true(drifted(20, 0.1))
      assert.is_nil(drifted(200, 1.1))
   end)
   it("fires G06 for a large gain on any metric, primary or not", function()
      local function gained(primary)
         return with(function(d)
            for i, variant in ipairs(d.variants) do
               table.insert(d.results, { variant = variant.id, task = d.tasks[1].id, metric = "acc", value = i == 1 and 0.2 or 0.8,
                  unit = "fraction", direction = "higher", kind = "binary", primary = primary, verdict = "inconclusive",
                  counts = { items = 100, correct = i == 1 and 20 or 80 }, reason = "of the test",
                  interval = { low = 0, high = 1, level = 0.95, method = "Wilson" } })
            end
         end).G06
      end
      assert.is_true(gained(true))
      assert.is_true(gained(false))
   end)
   it("fires G35 when the adjusted p is missing", function()
      assert.is_true(with(function(d) d.results[2].paired.p_holm = assay.json.null end).G35)
   end)
end)

-- The lint finds damaged text: UTF-8 bytes that a program has read in an older encoding, and placeholders that nobody filled.
describe("the text lint", function()
   it("recognises text that went through Mac OS Roman", function()
      local run, encoding, meant = text_lint.mojibake "‚ùå Training Impact"
      assert.equal("‚ùå", run)
      assert.equal("Mac OS Roman", encoding)
      assert.equal("❌", meant)
   end)
   it("recognises text that went through Windows-1252", function()
      assert.equal("Windows-1252", select(2, text_lint.mojibake "itâ€™s"))
      assert.equal("é", select(3, text_lint.mojibake "cafÃ©"))
   end)
   it("leaves proper text alone", function()
      for _, line in ipairs { "naïve café", "l’été à Paris — « déjà »", "Größe ≥ 5 µm", "日本語のテキスト", "Привет, мир", "⚖️ ❌ ✅", "" } do
         assert.is_nil(text_lint.mojibake(line), line)
      end
   end)
   it("finds unfilled templates and leaves mathematics and code alone", function()
      assert.equal("{x}", text_lint.template "reveals {x} across")
      assert.equal("{{ name }}", text_lint.template "Hello {{ name }}")
      assert.equal("N/A", text_lint.template "Calibration: N/A samples")
      assert.equal("%s", text_lint.template "accuracy of %s on")
      assert.is_nil(text_lint.template "so $\\frac{1}{2}$ and \\boxed{5} and `{x}`")
      assert.is_nil(text_lint.template "information about infinite nonetheless 5 % of it")
   end)
end)
