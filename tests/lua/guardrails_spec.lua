-- Tests that every guardrail (rule of the audit) fires when a sound report is changed in the one way that it looks for.
-- The three published studies are in audit_spec.lua.
local assay = require "assay"
local audit = require "assay.audit"

local function example()
   local file = assert(io.open "tests/golden/report/example.json")
   local text = file:read "a"
   file:close()
   local data = assay.json.decode(text)
   data.aa_noise = { { subject = "base", task = "perplexity", metric = "ppl", value = 0 } }
   return data
end

-- Changes the example report and returns the set of guardrails that fire, as { G01 = true, ... }.
local function fired_by(change)
   local data, ids = example(), {}
   change(data)
   for _, id in ipairs(audit.fired(audit.run(data))) do ids[id] = true end
   return ids
end

-- Adds a task of right and wrong answers to the report `d`. The untouched variant has `base` of n
-- answers right. `others` lists the numbers of right answers of the other variants; its last number also
-- serves for all further variants.
local function with_items(d, base, others, n, more)
   d.tasks[#d.tasks + 1] = { id = "arc", title = "ARC", kind = "choice", metrics = {}, protocol = { id = "arc/1" },
      baselines = { { name = "random choice", metric = "acc", value = 0.25 } } }
   d.study.primary[2] = { task = "arc", metric = "acc", margin = 3, unit = "pp" }
   for i, variant in ipairs(d.variants) do
      local k = i == 1 and base or others[i - 1] or others[#others]
      local result = { variant = variant.id, task = "arc", metric = "acc", value = k / n, unit = "fraction", direction = "higher",
         kind = "binary", counts = { items = n, correct = k }, interval = { low = 0, high = 1, level = 0.95, method = "Wilson" },
         verdict = i == 1 and "reference" or "worse",
         paired = i > 1 and { p_holm = 0.001, p = 0.001, lost = 9, gained = 1 } or nil, mde = i > 1 and { value = 2, unit = "pp" } or nil }
      for key, value in pairs(i > 1 and more or {}) do result[key] = value end
      table.insert(d.results, result)
   end
end

-- A change after which the report is still sound.
local function sound(d) with_items(d, 700, { 690, 650, 600 }, 1000) end

-- Each of these functions returns a change of a report, which adds a claim, a line of text, or a row of measured load.
local function claim(kind, fields)
   return function(d)
      fields.kind, fields.text, fields.evidence_refs = kind, fields.text or "a claim", fields.evidence_refs or { "results" }
      d.claims = { fields }
   end
end

local function lines(text) return function(d) d.document = { lines = { text } } end end

local function capacity(row) return function(d) d.capacity = { row } end end

-- Returns a change that sets the tokens per answer: `base` for the untouched variant, `own` for the others.
local function lengths(base, own, items)
   return function(d)
      sound(d)
      d.resources = {}
      for i, variant in ipairs(d.variants) do
         d.resources[i] = { variant = variant.id, items = items, tokens_per_item = i == 1 and base or own }
      end
   end
end

-- For each guardrail, a change of the example report (example.json) that the guardrail must find.
local breaks = {
   G01 = function(d) with_items(d, 14, { 14 }, 20, { verdict = "non-inferior", mde = { value = 20, unit = "pp" } }) end,
   G02 = function(d)
      sound(d)
      d.results[#d.results].interval = nil
   end,
   G03 = function(d) with_items(d, 700, { 690, 650, 250 }, 1000, { verdict = "non-inferior" }) end,
   G04 = function(d)
      sound(d)
      d.tasks[#d.tasks].id = "squad_v2"
   end,
   G05 = function(d)
      sound(d)
      d.tasks[#d.tasks].abstention = { strings = { "unanswerable" } }
   end,
   G06 = function(d) with_items(d, 300, { 500 }, 1000) end,
   G07 = function(d) d.identity = { { a = "x", b = "y", identical_share = 1, differs_from_base = true } } end,
   G08 = function(d) d.detectors = { { variant = "base/rtn-w3-g64", id = "F01", count = 1, items = 100 } } end,
   G09 = lengths(100, 950, 200),
   G10 = lengths(2.8, 2.8, 200),
   G11 = claim("retention", { value = 2.499 }),
   G12 = claim("relative", { text = "+900 %" }),
   G13 = claim("average", { value = 2.499, from_counts = { k = 10, n = 60, base_k = 4, base_n = 60 } }),
   G14 = claim("average", { parts = { -50, 45 } }),
   G15 = function(d)
      sound(d)
      local acc = d.results[#d.results]
      local f1 = {}
      for key, value in pairs(acc) do f1[key] = value end
      acc.displayed, acc.displayed_unit = 50, "percent"
      f1.metric, f1.displayed, f1.displayed_unit = "f1", 0.5, "percent"
      table.insert(d.results, f1)
   end,
   G16 = function(d) d.study.declared = { metrics = { perplexity = "average difference" } } end,
   G17 = claim("winner", { a = 0, b = 0, winner = "b" }),
   G18 = function(d) d.subjects[1].parameters = 0 end,
   G19 = function(d) d.variants[3].bytes_on_disk = d.variants[1].bytes_on_disk end,
   G20 = claim("saving", { value = -0.1 }),
   G21 = claim("average", { displayed_a = 1.4, displayed_b = 1.4, displayed_delta = -0.1 }),
   G22 = claim("speed", { value = 0.1, says_faster = true, lengths = "fixed" }),
   G23 = function(d) d.variants[2].census = { quantized_linears = 197, decoder_linears = 196, head_kept = true } end,
   G24 = function(d) d.calibrations = { { source = "prompts", sequences = 40, tokens = 200, sha256 = "0", overlap_with_eval = 0 } } end,
   G25 = function(d) d.study.declared = { tasks = { "perplexity", "boolq" } } end,
   G26 = function(d)
      sound(d)
      d.tasks[#d.tasks + 1] = { id = "overall", aggregate = true }
      table.insert(d.results, { variant = "base/none", task = "overall", metric = "acc", value = 0.3333, unit = "fraction",
         direction = "higher", verdict = "reference" })
   end,
   G27 = claim("verdict", { verdict = "excellent" }),
   G28 = claim("recommendation", { variants = { "base/rtn-w3-g64" } }),
   G29 = lines "Findings: {generate_summary_insights(data)}",
   G30 = lines "‚ùå Training Impact",
   G31 = function(d) d.variants[2].identified_by = "path" end,
   G32 = function(d) d.claims = { { kind = "description", text = "FULLY IMPLEMENTED" } } end,
   G33 = function(d) d.results[1].prompt_hash, d.results[2].prompt_hash = "a", "b" end,
   G34 = function(d) d.aa_noise = {} end,
   G35 = function(d) d.results[2].paired.p_holm = assay.json.null end,
   G36 = function(d)
      d.study.declared = { data_used_for = { { dataset = "example text", purpose = "training" } } }
   end,
   G37 = capacity { p95_ms = 900, n_req = 20 },
   G38 = capacity { conc = 8, req_s = 1, e2e_mean_ms = 2000 },
   G39 = function(d)
      with_items(d, 300, { 400 }, 1000, { verdict = "better" })
      d.distance = { { variant = "base/rtn-w3-g64", kld_mean = 1.4 } }
   end,
   G40 = function(d) d.environment.device_name = "CUDA-enabled GPU" end,
}

describe("a guardrail", function()
   it("stays silent on a sound report", function()
      assert.same({}, fired_by(function() end))
      assert.same({}, fired_by(sound))
   end)
   for i = 1, 40 do
      local id = ("G%02d"):format(i)
      it(id .. " fires on what it is made for", function() assert.is_true(fired_by(breaks[id])[id]) end)
   end
   it("asks for as many requests as a percentile needs, and no more", function()
      assert.is_nil(fired_by(capacity { p95_ms = 900, n_req = 59 }).G37)
      assert.is_true(fired_by(capacity { p99_ms = 900, n_req = 298 }).G37)
   end)
   it("asks for no adjusted p where gate P8 has excluded the task", function()
      local function unadjusted(excluded)
         return function(d) with_items(d, 260, { 255 }, 1000, { paired = { p = 0.5, lost = 9, gained = 4 }, excluded = excluded,
            verdict = "invalid" }) end
      end
      assert.is_true(fired_by(unadjusted(nil)).G35)
      assert.is_nil(fired_by(unadjusted(true)).G35)
   end)
   it("finds long answers of a variant whose only score of 0 is the last of its scores", function()
      local function with_last_score(value)
         return function(d)
            lengths(100, 950, 200)(d)
            local zero = {}
            for key, field in pairs(d.results[#d.results]) do zero[key] = field end
            zero.task, zero.value = "zzz", value
            table.insert(d.results, zero)
         end
      end
      assert.is_true(fired_by(with_last_score(0)).G08)
      assert.is_nil(fired_by(with_last_score(0.5)).G08)
   end)
   it("knows when tokens and seconds cannot both be true", function()
      assert.is_nil(fired_by(capacity { out_tokens = 1000, dur_s = 10, out_tok_s = 101 }).G38)
      assert.is_true(fired_by(capacity { out_tokens = 1000, dur_s = 10, out_tok_s = 200 }).G38)
      assert.is_true(fired_by(capacity { conc = 1, out_tok_s = 300, bytes_per_token = 1e9, bandwidth_bytes_s = 2e11 }).G38)
      assert.is_nil(fired_by(capacity { conc = 1, out_tok_s = 150, bytes_per_token = 1e9, bandwidth_bytes_s = 2e11 }).G38)
   end)
end)
