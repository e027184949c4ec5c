-- Tests the failure catalogue, the list of answers that a quantized variant broke: how they are sorted, selected by seed, and
-- counted with intervals. The detectors are tested in detectors_spec.lua.
local assay = require "assay"
local failures = require "assay.results.failure_catalogue"

local function record(id, text, ok, more)
   local out = { id = id, category = "math", prompt = "Prompt " .. id, text = text, ids = { text:byte(1, -1) }, tokens = #text,
      finish = "stop", ok = ok }
   for key, value in pairs(more or {}) do out[key] = value end
   return out
end

local base, quant = {}, {}
for i = 1, 40 do
   local id = ("p%02d"):format(i)
   base[i] = record(id, "The answer to this question is forty-two, as shown above. " .. i, i ~= 3)
   if i <= 5 and i ~= 3 then
      quant[i] = record(id, ("so "):rep(100), false, { finish = "length" })
   elseif i <= 10 then
      quant[i] = record(id, "The answer to this question is forty-one, as shown above. " .. i, i == 3)
   else
      quant[i] = base[i]
   end
end
local entries = failures.entries(base, quant, { variant = { id = "base/q", bits = 4 }, protocol = { id = "greedy/1", decode = "greedy" },
   stable = { p01 = true, p02 = false }, command = "assay run x.lua" })

describe("the catalogue", function()
   it("tells symptoms, losses and gains apart", function()
      assert.equal("F05", entries[1].symptom)
      assert.equal("sev0", entries[1].severity)
      assert.equal("wrong", entries[6].symptom)
      assert.equal("sev1", entries[6].severity)
      assert.is_true(entries[3].gained)
      assert.equal(false, entries[3].quant_issue)
      assert.is_true(entries[20].identical)
      assert.equal("", entries[20].symptom)
   end)
   it("says which answers of the untouched model came out the same again, and how all answers were decoded", function()
      assert.equal(true, entries[1].aa_stable)
      assert.equal(false, entries[2].aa_stable)
      assert.equal(assay.json.null, entries[3].aa_stable)
      assert.equal("greedy", entries[1].decode.kind)
      assert.equal("greedy/1", entries[1].protocol_id)
   end)
   it("has the columns of the Markdown table first, then every other field, known or not", function()
      local line = failures.jsonl({ entries[1] })
      assert.equal('{"prompt_id":"p01","category":"math","baseline_ok":true,"quant_issue":true,"symptom":"F05","notes":""',
         line:match '^.-"notes":""')
      for _, name in ipairs { "study_id", "run_id", "task", "prompt_hash", "protocol_id", "variant", "quant_ok", "aa_stable",
         "severity", "symptoms", "detector_values", "error_stage", "first_divergence_token", "base_margin_at_divergence",
         "mean_kld_prompt", "base", "quant", "seed", "decode", "repro_cmd", "recurrence", "cluster_id", "root_cause", "status",
         "labelled_by" } do
         assert.contains(line, '"' .. name .. '":')
      end
   end)
   it("says how sure the untouched model was where the answers differ, and how often a failure comes again", function()
      local first = record("a", "The sky is blue.", true, { margins = { 0.5, 0.25, 2 }, ids = { 5, 6, 7 }, ends = { 3, 7, 16 },
         draws = { { text = "The sky is red.", ids = { 5 }, ok = false }, { text = "blue", ids = { 6 }, ok = true } } })
      local second = record("a", "The sea is blue.", true, { ids = { 5, 9, 7 }, ends = { 3, 7, 16 }, mean_kld = 0.125,
         draws = { { text = "Red.", ids = { 5 }, ok = false }, { text = "", ids = {}, ok = false } } })
      local entry = failures.entries({ first }, { second }, { variant = { id = "v" }, protocol = { id = "p" } })[1]
      assert.equal(1, entry.first_divergence_token)
      assert.equal(0.25, entry.base_margin_at_divergence)
      assert.equal(0.125, entry.mean_kld_prompt)
      assert.same({ 3, 7 }, { table.unpack(entry.quant.divergence_bytes) })
      assert.equal(2, entry.recurrence.k)
      assert.equal(2, entry.recurrence.fails)
      assert.equal(1, entry.recurrence.base_fails)
   end)
   it("writes an empty list for an answer without symptoms", function()
      local line = failures.jsonl({ entries[20] })
      assert.equal('"symptoms":[]', line:match '"symptoms":[^,]*')
   end)
   it("selects some answers of each kind, good ones too", function()
      local why = {}
      for _, item in ipairs(failures.select(entries, 1)) do why[item.why:match "^[^,]+"] = (why[item.why:match "^[^,]+"] or 0) + 1 end
      assert.same({ ["symptom F05"] = 3, lost = 3, gained = 1, identical = 3 }, why)
   end)
   it("selects by seed, not by order", function()
      local a, b = failures.select(entries, 1), failures.select(entries, 1)
      for i = 1, #a do assert.equal(a[i].entry.prompt_id, b[i].entry.prompt_id) end
      local changed = false
      for i, item in ipairs(failures.select(entries, 2)) do changed = changed or item.entry.prompt_id ~= a[i].entry.prompt_id end
      assert.is_true(changed)
   end)
   it("counts with intervals", function()
      local rows = failures.prevalence(entries)
      assert.equal("F05", rows[1].symptom)
      assert.equal(4, rows[1].count)
      assert.is_true(rows[1].low < 0.1 and rows[1].high > 0.1)
   end)
   it("is a Markdown table with six columns", function()
      local text = failures.markdown(failures.select(entries, 1))
      assert.contains(text, "| prompt_id | category | baseline_ok | quant_issue | symptom | notes |")
      assert.contains(text, "F05 loop at the end")
   end)
   it("is one JSON object per line, raw text included", function()
      local lines = 0
      for line in failures.jsonl(entries):gmatch "[^\n]+" do
         local entry = assay.json.decode(line)
         assert.equal("string", type(entry.quant.text))
         lines = lines + 1
      end
      assert.equal(40, lines)
   end)
end)
