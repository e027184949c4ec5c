-- Tests what a report concludes from measured numbers: collapse, noise between two runs, declared margins, and the
-- tables and pictures that show them. The measurements themselves are tested elsewhere.
-- scripts/assay/detectors/README.md says what ids such as F21 stand for.
local assay = require "assay"
local breakage = require "assay.results.breakage"
local collapse = require "assay.gates.collapse"
local noise = require "assay.results.parts.noise"
local plots = require "assay.report.html.plots"
local report = require "assay.report"
local tables = require "assay.report.tables"
local view = require "assay.report.view"
local null = assay.json.null

local function full()
   local file = assert(io.open "tests/golden/report/full.json")
   local text = file:read "a"
   file:close()
   return assay.json.decode(text)
end

-- Facts of a study as the gates (checks of validity) read them. `baselines` returns one trivial score: guessing, 0.25.
local function facts(changes)
   local out = { rows = {}, signs = {}, distance = {}, changed_variants = { "b/q" } }
   for key, value in pairs(changes) do out[key] = value end
   return out
end

local function baselines() return { { name = "guess", value = 0.25 } } end

local function score(variant, correct)
   return { variant = variant, task = "t", metric = "acc", primary = true, direction = "higher", unit = "fraction",
      counts = { items = 100, correct = correct }, value = correct / 100 }
end

describe("the collapse rule", function()
   it("names every reason, and fails only for the variant that has them", function()
      local found = facts { distance = { { variant = "b/q", kld_mean = 2.5 } },
         rows = { { variant = "b/q", task = "p", metric = "ppl", primary = true, direction = "lower", counts = {},
            paired = { quantity = "ratio", estimate = 3.4 } } } }
      assert.same({ "divergence of 2.50 nats from the untouched model", "perplexity 3.4 times the untouched model's" },
         collapse.reasons(found, "b/q"))
      assert.equal("fail", (collapse.check(found, "b/q")))
      assert.equal("block", collapse.severity)
      assert.equal("pass", (collapse.check(found, "b/other")))
   end)
   it("does not fail for a variant that only loses a little", function()
      local found = facts { distance = { { variant = "b/q", kld_mean = 0.2 } } }
      assert.same({}, collapse.reasons(found, "b/q"))
      assert.equal("pass", (collapse.check(found, "b/q")))
   end)
   it("counts tasks that fell to a trivial score, where the untouched model is above", function()
      local row = breakage.of_scores({ score("b/none", 60), score("b/q", 26) }, baselines, "b/q", "b/none")
      assert.equal("F21", row.id)
      assert.equal(1, row.count)
      assert.is_nil(breakage.of_scores({ score("b/none", 26), score("b/q", 26) }, baselines, "b/q", "b/none"))
      assert.same({ "2 tasks at their trivial score while the untouched model is above" },
         collapse.reasons(facts { signs = { { variant = "b/q", id = "F21", status = "flag", count = 2 } } }, "b/q"))
   end)
end)

describe("answers of choice tasks that change", function()
   local function choices(changed)
      local out = {}
      for i = 1, 40 do out[i] = { lls = { -1, -1 - i / 10, -9 }, pred = changed[i] and 2 or 1, gold = i % 4 == 0 and 2 or 1 } end
      return out
   end
   local function run_of(base, own)
      local function variant(id, list)
         return { id = id, subject = "b", none = id == "b/none", measured = { arc = { result = { choices = list } } } }
      end
      return { study = { tasks = { { id = "arc" } }, subjects = { "b" } }, variants = { variant("b/none", base), variant("b/q", own) } }
   end
   local function rows(own)
      return require "assay.results.parts.changed_answers"(run_of(choices {}, own))
   end
   it("are counted by how sure the untouched model was", function()
      local quarters = rows(choices { [1] = true, [4] = true, [7] = true, [33] = true })[1].quarters
      assert.equal(4, #quarters)
      assert.same({ 3, 0, 0, 1 }, { quarters[1].changed, quarters[2].changed, quarters[3].changed, quarters[4].changed })
      assert.equal(3, quarters[1].flips)
      assert.near(0.1, quarters[1].from, 1e-12)
      assert.near(4.0, quarters[4].to, 1e-12)
   end)
   it("are not divided into quarters if there are fewer than twenty", function()
      local few = table.move(choices {}, 1, 12, 1, {})
      assert.same({}, require "assay.results.parts.changed_answers"(run_of(few, few)))
   end)
end)

describe("a text graded strictly and loosely", function()
   local function variant(id, strict, flexible)
      return { id = id, subject = "b", none = id == "b/none",
         measured = { gsm8k = { result = { metrics = { strict = { scores = strict }, flexible = { scores = flexible } } } } } }
   end
   local function rows(strict)
      return breakage.of_answers { study = { tasks = { { id = "gsm8k" } }, subjects = { "b" } },
         variants = { variant("b/none", { 1, 1, 1, 1 }, { 1, 1, 1, 1 }), variant("b/q", strict, { 1, 1, 1, 0 }) } }
   end
   it("is flagged as a loss of format if the gap between the two grows", function()
      local lost = rows { 0, 0, 1, 0 }
      assert.equal("F16", lost[1].id)
      assert.equal(2, lost[1].count)
      assert.equal("flag", lost[1].status)
      assert.equal("right but not in the strict form: 50.0 % against 0.0 %", lost[1].text)
   end)
   it("is not flagged if both gradings lose equally", function() assert.equal("ok", rows({ 1, 1, 1, 0 })[1].status) end)
end)

describe("sensitivity to calibration", function()
   local sensitivity = require "assay.results.parts.calibration_spread"
   local function variant(id, calibration, bits)
      return { id = id, subject = "b", label = "gptq W" .. bits, recipe = { bits = bits }, calibration = calibration }
   end
   local function result(id, value)
      return { variant = id, task = "p", metric = "ppl", unit = "ppl", primary = true, value = value }
   end
   local data = { tasks = { { id = "p", title = "A novel" } },
      calibrations = { { id = "c1", sequences = 48, source = "text" }, { id = "r1", sequences = 16, source = "text" },
         { id = "r2", sequences = 16, source = "text" } },
      variants = { { id = "b/none", subject = "b", recipe = null }, variant("b/1", "c1", 4), variant("b/2", "r1", 4),
         variant("b/3", "r2", 4), variant("b/4", "c1", 3) },
      results = { result("b/none", 10), result("b/1", 11), result("b/2", 12), result("b/3", 13), result("b/4", 20) } }
   it("puts variants that differ only in their calibration side by side", function()
      local found = sensitivity(data)
      assert.equal(1, #found)
      assert.equal("gptq W4 over calibrations", found[1].title)
      assert.equal("16 sequences of text", found[1].rows[1].label)
      assert.same({ 12, 13 }, found[1].rows[1].values)
      assert.same({ 11 }, found[1].rows[2].values)
   end)
end)

describe("noise between two runs", function()
   it("marks differences that are no larger", function()
      local function result(variant, estimate)
         return { variant = variant, subject = "b", task = "p", metric = "ppl", counts = {}, paired = { quantity = "ratio", estimate = estimate } }
      end
      local rows = noise.marked({ result("b/q", 1.00001), result("b/r", 1.01) },
         { { subject = "b", task = "p", metric = "ppl", items = 4, value = 1e-4, unit = "nats" } })
      assert.equal(true, rows[1].below_noise)
      assert.equal(false, rows[2].below_noise)
   end)
end)

describe("tables", function()
   local v = view.open(full())
   it("show what was declared, with the smallest visible difference", function()
      local t = tables.declared(v)
      assert.contains(t.hint, "Declared in the study file before the run. Error level 0.05")
      assert.same({ "School science questions (ARC-E)", "accuracy", "2 pp", "3.4 pp" }, t.rows[1])
   end)
   it("show the divergence, and whether it is within its margin", function()
      local t = tables.distance(v)
      assert.equal("0.0500\n[0.0470, 0.0530]", t.rows[1][2])
      assert.equal("unresolved", t.rows[1][#t.rows[1]])
      assert.equal("beyond", t.rows[4][#t.rows[4]])
   end)
   it("do not recommend what has collapsed", function()
      for _, row in ipairs(tables.decision(v).rows) do
         if row[1]:find "W2" then assert.contains(row[3], "Not usable: F05") end
      end
   end)
   it("name limits of the study, such as items that were left out", function()
      local text = {}
      for _, row in ipairs(tables.threats(v).rows) do text[#text + 1] = row[1] end
      assert.contains(table.concat(text, "; "), "Items left out")
   end)
end)

describe("pictures", function()
   it("have a title and a description, and repeat colours if there are more series than colours", function()
      local series = {}
      for i = 1, 8 do series[i] = { label = "v" .. i, points = { { 1, i }, { 2, i + 1 } } } end
      local picture = plots.curves(series, { title = "T", description = "D", x_label = "x", y_label = "y" })
      assert.contains(picture, "<title id=")
      assert.contains(picture, ">D</desc>")
      assert.contains(picture, 'class="curve s2 again"')
      assert.contains(plots.legend(series), 'class="key s1 again"')
   end)
   it("can be drawn from equal values and from a single point", function()
      assert.contains(plots.curves({ { label = "a", points = { { 1, 1 } } } }, { title = "T", description = "D", x_label = "x",
         y_label = "y" }), "</svg>")
      assert.contains(plots.strips({ { label = "a", values = { 2, 2 } } }, { title = "T", description = "D" , x_label = "x" }), "</svg>")
   end)
   it("stand in the page under their titles", function()
      local page = report.render(full(), "html")
      for _, title in ipairs { "Size against divergence", "How the divergence is spread over tokens",
         "Change of the right token's probability", "Items lost and gained: Word problems (GSM8K)",
         "Answerable and unanswerable questions apart", "Lengths of answers: Free prompts",
         "Chosen answers by place: School science questions (ARC-E)", "Error of the residual stream",
         "Perplexity over calibration sets" } do
         assert.contains(page, "<h4>" .. title:gsub("'", "&#39;") .. "</h4>")
      end
      assert.equal(nil, page:find("<script", 1, true))
   end)
   it("leave the Markdown free of the damage that the text lint finds", function()
      assert.same({}, require("assay.results.write").lint(report.render(full(), "md")))
   end)
end)
