-- Tests the renderers of reports: the same numbers in every format, text of models and users made harmless, no links to other files.
local assay = require "assay"
local escape = require "assay.report.escape"
local format = require "assay.report.format"
local report = require "assay.report"
local view = require "assay.report.view"

local function load_example()
   local file = assert(io.open("tests/golden/report/example.json"))
   local text = file:read "a"
   file:close()
   return assay.json.decode(text)
end

describe("numbers", function()
   it("in an interval have the decimals that show two digits of half its width", function()
      assert.equal("[19.36, 20.98]", format.range(19.36091, 20.98372))
      assert.equal("[+8.03, +8.67]", format.range(8.0312, 8.6685, 1, true))
      assert.equal("[120, 180]", format.range(120.4, 179.8))
   end)
   it("carry a real minus sign and never minus zero", function()
      assert.equal("\u{2212}1.9", format.signed(-1.9, 1))
      assert.equal("0.0", format.signed(-0.01, 1))
      assert.equal("+0.1", format.signed(0.1, 1))
   end)
   it("show a change of a ratio in percent, and of a proportion in percentage points", function()
      local change, range = format.change { quantity = "ratio", estimate = 1.0835, low = 1.0803, high = 1.0867 }
      assert.equal("+8.35 %", change)
      assert.equal("[+8.03, +8.67]", range)
      local points = format.change { quantity = "difference", unit = "pp", estimate = -1.9, low = -3.5, high = -0.3 }
      assert.equal("\u{2212}1.9 pp", points)
   end)
   it("show proportions with their counts", function()
      local value, range = format.value { unit = "fraction", value = 0.5, counts = { correct = 10, items = 20 },
         interval = { low = 0.2993, high = 0.7007 } }
      assert.equal("10/20 = 50.0 %", value)
      assert.equal("[30, 70]", range)
   end)
   it("show sizes and times with readable units", function()
      assert.equal("538 MB", format.bytes(538060032))
      assert.equal("999 B", format.bytes(999))
      assert.equal("2 min 21 s", format.seconds(141.2))
      assert.equal("900 ms", format.seconds(0.9))
      assert.equal("134,515,008", format.count(134515008))
   end)
   it("are unrounded in CSV", function()
      assert.equal("20.155993063279833", format.exact(20.155993063279833))
      assert.equal("0.1", format.exact(0.1))
      assert.equal("7", format.exact(7))
   end)
end)

describe("foreign text", function()
   it("cannot open markup", function()
      assert.equal("&lt;script&gt;&amp;&quot;&#39;", escape.html "<script>&\"'")
      assert.equal("a \\| \\*b\\* \\[c\\](d) \\`e\\`", escape.markdown "a | *b* [c](d) `e`")
   end)
   it("is made UTF-8, and control characters are made visible", function()
      assert.equal("caf\u{FFFD} ok", escape.utf8 "caf\xE9 ok")
      assert.equal("\u{241B}[0m", escape.utf8 "\27[0m")
      assert.equal("\u{2400}", escape.utf8 "\0")
   end)
   it("gets a fence that it cannot close", function()
      assert.equal("````text\na ``` b\n````", escape.fence "a ``` b")
   end)
   it("is quoted in CSV and runs no formula", function()
      assert.equal('"a,""b"""', escape.csv 'a,"b"')
      assert.equal("'=1+1", escape.csv "=1+1")
      assert.equal("-1.5", escape.csv(-1.5))
   end)
end)

describe("the page", function()
   local page = report.render(load_example(), "html")
   it("is one file that fetches nothing and runs nothing", function()
      assert.is_nil(page:match "https?://[^\"]*\"")
      assert.is_nil(page:match "<script")
      assert.is_nil(page:match "<link")
      assert.is_nil(page:match "@import")
      assert.is_nil(page:match "url%(")
   end)
   it("follows the reader's colour scheme and prints", function()
      assert.contains(page, "prefers-color-scheme:dark")
      assert.contains(page, "@media print")
      assert.contains(page, '<meta name="viewport"')
   end)
   it("warns of weights that are not the original", function()
      assert.contains(page, "weights were dequantized from Q4_1 groups of 32")
   end)
   it("says so when its numbers are invented", function() assert.contains(page, "Example data.") end)
   it("gives every picture a description", function()
      local pictures, described = select(2, page:gsub("<svg ", "")), select(2, page:gsub("<desc id=", ""))
      assert.is_true(pictures >= 8)
      assert.equal(pictures, described)
   end)
   it("marks where answers differ", function()
      assert.contains(page, '<mark title="first token that differs">Seine</mark>')
   end)
   it("closes what it opens", function()
      for _, tag in ipairs { "div", "table", "tr", "td", "section", "figure", "svg", "span", "article", "details", "main" } do
         local opened = select(2, page:gsub("<" .. tag .. "[ >]", ""))
         assert.equal(opened, select(2, page:gsub("</" .. tag .. ">", "")), tag)
      end
   end)
end)

describe("the picture of sizes", function()
   local svg = require "assay.report.html.svg"
   local function point(x, y, label, tone) return { x = x, y = y, label = label or "p", tone = tone or "open" } end
   -- The line joins each variant that is better than all smaller ones; tone "hollow" marks a collapsed variant.
   it("joins the variants that no smaller one beats, and never a collapsed one", function()
      local points = { point(8, 0.01), point(4, 0.2), point(3, 3, "broken", "hollow"), point(4, 0.1), point(6, 0.3), point(5, 0.05) }
      local front = {}
      for i, p in ipairs(svg.front(points)) do front[i] = { p.x, p.y } end
      assert.same({ { 4, 0.1 }, { 5, 0.05 }, { 8, 0.01 } }, front)
   end)
   it("lays no label over another", function()
      local points = {}
      for i = 1, 6 do points[i] = point(4 + i / 100, 0.1 + i / 1000, "base · rtn W4 g64") end
      svg.start_document()
      local places, seen = {}, 0
      for y in svg.size_quality(points, { title = "t", description = "d", x_label = "x", y_label = "y" })
         :gmatch '<text[^>]- y="([%d%.]+)"[^>]-class="label"' do
         y, seen = tonumber(y), seen + 1
         for _, other in ipairs(places) do assert.is_true(math.abs(y - other) >= 16.9) end
         places[seen] = y
      end
      assert.equal(6, seen)
   end)
   it("shows the noise between two runs where it is on the scale", function()
      local points = { point(4, 0.1), point(5, 0.00001) }
      local o = { title = "t", description = "d", x_label = "x", y_label = "y", floor = 0.001 }
      assert.contains(svg.size_quality(points, o), "two runs of one model")
      o.floor = 1e-9
      assert.is_nil(svg.size_quality(points, o):find "two runs")
   end)
end)

describe("all formats", function()
   local data = load_example()
   local texts = {}
   for _, name in ipairs(report.formats) do texts[name] = report.render(data, name) end
   it("carry the same numbers", function()
      for _, number in ipairs { "+8.35 %", "[+8.03, +8.67]", "10.10", "170 MB", "gptq-2048/" } do
         assert.contains(texts.html, number)
         assert.contains(texts.md:gsub("\\", ""), number)
      end
      assert.contains(texts.csv, "1.08350749")
   end)
   it("are the same bytes each time", function()
      for _, name in ipairs(report.formats) do assert.equal(texts[name], report.render(load_example(), name), name) end
   end)
   it("in CSV have one row for each result and one header row", function()
      assert.equal(1 + #data.results, select(2, texts.csv:gsub("\r\n", "")))
   end)
   it("refuse an unknown name", function()
      assert.raises("a report has no format 'pdf'; there are html, md, csv and yaml", report.render, data, "pdf")
   end)
end)

describe("the test behind a p", function()
   it("is named beside the tables and in the CSV, but only if the report's data name it", function()
      local data = load_example()
      assert.is_nil(report.render(data, "html"):find("sign-flip", 1, true))
      for _, result in ipairs(data.results) do
         if result.paired ~= assay.json.null and result.paired then result.paired.p_method = "sign flip, exact" end
      end
      assert.contains(report.render(data, "html"), "p: exact sign-flip test.")
      assert.contains(report.render(data, "md"), "p: exact sign-flip test.")
      assert.contains(report.render(data, "csv"), '"sign flip, exact"')
      for _, result in ipairs(data.results) do
         if result.paired ~= assay.json.null and result.paired then result.paired.p_method = "paired t" end
      end
      assert.contains(report.render(data, "html"), "p: paired t test, since the sign-flip test cannot give a small enough p")
   end)
end)

describe("nulls of JSON", function()
   local without_nulls = require "assay.lib.without_nulls"
   it("are absent from the copy, at every depth, and stay in the original", function()
      local given = assay.json.decode '{"a":null,"b":{"c":null,"d":[1,2]},"e":false}'
      assert.same({ b = { d = { 1, 2 } }, e = false }, without_nulls(given))
      assert.equal(assay.json.null, given.a)
   end)
end)

describe("the Hub's metadata", function()
   local text = report.render(load_example(), "yaml")
   it("is one document for each quantized variant", function() assert.equal(3, select(2, text:gsub("model%-index:", ""))) end)
   it("carries the unrounded value and the change in words", function()
      assert.contains(text, "value: 21.839169530642536")
      assert.contains(text, "change to the untouched model +8.35 % [+8.03, +8.67]: worse")
      assert.contains(text, 'base_model_relation: "quantized"')
   end)
end)

describe("a report with little in it", function()
   local function minimal(more)
      local data = { schema = "assay.report/1", study = { name = "s" }, variants = {}, results = {} }
      for key, value in pairs(more or {}) do data[key] = value end
      return data
   end
   it("renders in every format", function()
      for _, name in ipairs(report.formats) do assert.equal("string", type(report.render(minimal(), name))) end
   end)
   it("shows a variant that could not be made, with its reason", function()
      local data = minimal { variants = { { id = "b/awq", subject = "b", label = "awq W4", recipe = {}, status = "not_available",
         reason = "this version has no awq" } } }
      assert.contains(report.render(data, "html"), "has no awq")
      assert.contains(report.render(data, "md"), "has no awq")
      assert.contains(report.render(data, "csv"), "has no awq")
   end)
   it("shows only the beginning of a long reason", function()
      local data = minimal { variants = { { id = "b/q", subject = "b", label = "q", recipe = {}, status = "failed",
         reason = ("layer é; "):rep(100) } } }
      local page = report.render(data, "md")
      assert.contains(page, "…")
      assert.is_true(#page < 2000)
      assert.equal("number", type(utf8.len(page)))
   end)
   it("says so if a variant is surely worse, but the loss lies within the margin", function()
      local data = load_example()
      data.results[2].verdict, data.results[2].within_margin = "worse", true
      assert.contains(report.render(data, "html"), '<span class="chip open">worse, within margin</span>')
   end)
   it("escapes hostile names and outputs", function()
      local evil = "<img src=x onerror=alert(1)>"
      local data = minimal { study = { name = evil, title = evil },
         variants = { { id = "b/none", subject = "b", label = evil } },
         generations = { { prompt_id = "p", prompt = evil, outputs = { { variant = "b/none", text = evil .. "\xFF" } } } } }
      assert.is_nil(report.render(data, "html"):find("<img", 1, true))
      assert.is_nil(report.render(data, "html"):find("\xFF", 1, true))
   end)
   it("is refused if it has another schema", function()
      assert.raises("this is no report of schema assay.report/1: its 'schema' is nil", view.open, {})
   end)
   it("treats null like an absent field", function()
      local data = minimal { subjects = { { id = "b", name = "b", provenance_note = assay.json.null } } }
      assert.is_nil(report.render(data, "html"):find("userdata", 1, true))
   end)
end)
