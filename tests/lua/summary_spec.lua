-- Tests the summary on the terminal: for each primary metric of the study the value, the change from the untouched model with its
-- interval, and the verdict.
local json = require("assay.native").json
local print_summary = require "assay.results.print_summary"

-- Returns the text that the summary prints for a report.
local function printed(report)
   local out, write = {}, io.write
   io.write = function(...) for _, text in ipairs { ... } do out[#out + 1] = text end end -- luacheck: ignore
   local ok, problem = pcall(print_summary, report, { "runs/s/report.html" }, 0)
   io.write = write -- luacheck: ignore
   assert(ok, problem)
   return table.concat(out)
end

local function line_of(text, start)
   for line in text:gmatch "[^\n]+" do if line:sub(1, #start) == start then return (line:gsub(" +", " ")) end end
   return "no line begins with " .. start
end

local untouched = { id = "base/none", subject = "base", status = "ok", recipe = json.null, bits_per_weight = 32 }
local quantized = { id = "base/rtn-w4", subject = "base", status = "ok", recipe = {}, bits_per_weight = 6.79 }
local variants = { untouched, quantized }

local function accuracy(variant, correct, paired, verdict)
   return { variant = variant, task = "arc_easy", metric = "acc", unit = "fraction", value = correct / 200,
      counts = { items = 200, correct = correct }, paired = paired or json.null, verdict = verdict, reason = json.null }
end

local function perplexity(variant, value, paired, verdict)
   return { variant = variant, task = "novel", metric = "ppl", unit = "ppl", value = value, counts = { windows = 24 },
      paired = paired or json.null, verdict = verdict, reason = json.null }
end

local points = { quantity = "difference", unit = "pp", estimate = -20, low = -27, high = -13.5, level = 0.95 }
local ratio = { quantity = "ratio", estimate = 1.083, low = 1.0803, high = 1.0867, level = 0.95 }
local acc_claim, ppl_claim = { task = "arc_easy", metric = "acc" }, { task = "novel", metric = "ppl" }
local tasks = { { id = "arc_easy", title = "School science questions" }, { id = "novel", title = "Perplexity on a novel" } }

local function report_of(claims, results, word)
   return { study = { primary = claims }, variants = variants, results = results, tasks = tasks, subjects = {}, gates = {},
      verdicts = { { variant = "base/none", verdict = "reference" }, { variant = "base/rtn-w4", verdict = word } },
      times = { seconds = 61 } }
end

describe("the summary", function()
   it("of a multiple-choice study shows counts of right answers and percentage points, and no empty columns", function()
      local text = printed(report_of({ acc_claim }, { accuracy("base/none", 150, nil, "reference"),
         accuracy("base/rtn-w4", 110, points, "worse") }, "worse"))
      assert.equal("variant bits/w acc against none, 95 % verdict", line_of(text, "variant"))
      assert.equal("base/none 32.00 150/200 = 75.0 % reference", line_of(text, "base/none"))
      assert.equal("base/rtn-w4 6.79 110/200 = 55.0 % -20.0 pp [-27.0, -13.5] worse", line_of(text, "base/rtn"))
      assert.is_nil(text:find(" - ", 1, true))
      assert.is_nil(text:find("ppl", 1, true))
   end)
   it("of a study of perplexity shows the perplexity and its change in percent", function()
      local text = printed(report_of({ ppl_claim }, { perplexity("base/none", 19.46, nil, "reference"),
         perplexity("base/rtn-w4", 21.084, ratio, "worse") }, "worse"))
      assert.equal("variant bits/w ppl against none, 95 % verdict", line_of(text, "variant"))
      assert.equal("base/rtn-w4 6.79 21.084 +8.3 % [+8.0, +8.7] worse", line_of(text, "base/rtn"))
   end)
   it("of a mixed study has a table for each primary metric, then the verdicts over all of them", function()
      local text = printed(report_of({ acc_claim, ppl_claim }, { accuracy("base/none", 150, nil, "reference"),
         accuracy("base/rtn-w4", 149, { quantity = "difference", unit = "pp", estimate = -0.5, low = -2, high = 1, level = 0.95 },
            "inconclusive"), perplexity("base/none", 19.46, nil, "reference"), perplexity("base/rtn-w4", 21.084, ratio, "worse") },
         "worse"))
      local first, second, last = text:match "(School science questions: acc\n.-)\n\n(Perplexity on a novel: ppl\n.-)\n\n(over all of these\n.*)"
      assert.equal("base/rtn-w4 6.79 149/200 = 74.5 % -0.5 pp [-2.0, +1.0] inconclusive", line_of(first, "base/rtn"))
      assert.equal("base/rtn-w4 6.79 21.084 +8.3 % [+8.0, +8.7] worse", line_of(second, "base/rtn"))
      assert.equal("base/rtn-w4 6.79 worse", line_of(last, "base/rtn"))
   end)
   it("of a study without a primary metric shows sizes and verdicts alone", function()
      local text = printed(report_of({}, {}, "not_run"))
      assert.equal("variant bits/w verdict", line_of(text, "variant"))
      assert.equal("base/rtn-w4 6.79 not_run", line_of(text, "base/rtn"))
   end)
end)
