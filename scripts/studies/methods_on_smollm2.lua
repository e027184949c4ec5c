-- Measures 13 quantization methods on one small model, with two calibration texts and two test texts. Beside the usual report it
-- writes matrix.md, with the figures of reports/methods-on-smollm2.md. No setting was chosen on the test split.
--   ./assay run scripts/studies/methods_on_smollm2.lua --data DIR     DIR: public data sets (scripts/assay/data/datasets/README.md)
--   --set part=w4,w3                      only these parts of the recipes: w4,w4more,w3,wide,w8a8,ablation,w2 (default: all but w2)
--   --set methods=rtn,best                only these methods, or recipes by id; --set texts=mixed: only this calibration text
--   --set windows=4 --set split=validation    the form in which the settings of the methods were chosen
--   --set model=FOLDER --set window=512   another model (train_second_model.py makes one), in windows of its training length
--   --set draw=43                         other calibration sequences
--   --set part=range                      the search for scales in several ranges: --set ranges=0.6:1.15,0.9:1.13 --set bits=4,3
--                                         --set groups=32,64,128 --set methods=opt_rtn,gptq
local assay = require "assay"
local native = require "assay.native"
local matrix = require "assay.studies.matrix"

local name = assay.setting("model", "smollm2-135m-instruct")
local split = assay.setting("split", "test")
local windows, window = assay.setting("windows", 16), assay.setting("window", 2048)
local parts = "," .. assay.setting("part", "w4,w4more,w3,wide,w8a8,ablation") .. ","
local methods = "," .. assay.setting("methods", "") .. ","
local texts_used = "," .. assay.setting("texts", "mixed,maths") .. ","
local sequences, length, seed = assay.setting("sequences", 64), 512, assay.setting("draw", 42)

-- ---- calibration texts ---------------------------------------------------------------------------

local model = assay.load(name)

-- n sequences of token ids: the texts of a set, each once, are joined and cut, and the seed decides which pieces are taken.
local function drawn(dataset, n, text_of)
   local texts, seen = {}, {}
   for record in dataset:records() do
      local text = text_of and text_of(record) or dataset:text_of(record)
      if text and not seen[text] then
         seen[text] = true
         texts[#texts + 1] = text
      end
   end
   local ids = model:encode(table.concat(texts, "\n\n"))
   local order, out = {}, {}
   for i = 1, #ids // length do order[i] = i end
   for i = #order, 2, -1 do
      local j = native.sys.seed(seed, "calibration", tostring(i), "shuffle") % i + 1
      order[i], order[j] = order[j], order[i]
   end
   for i = 1, n do out[i] = table.move(ids, (order[i] - 1) * length + 1, order[i] * length, 1, {}) end
   return out
end

-- A calibration from several lists of sequences. about: what reports say about its source.
local function mix(label, about, ...)
   local ids = {}
   for _, sequence_list in ipairs { ... } do table.move(sequence_list, 1, #sequence_list, #ids + 1, ids) end
   return assay.calibration { name = label, ids = ids, source = { dataset = about, seed = seed } }
end

local part_of_set = "the files at hand hold a part of the set"
local gsm8k = assay.dataset.gsm8k { split = "train" }
local arc_easy = assay.dataset.arc_easy { split = "train", subset = part_of_set }
local arc_challenge = assay.dataset.arc_challenge { split = "train", subset = part_of_set }
local squad = assay.dataset.squad_v2 { split = "validation", subset = part_of_set }
local boolq = assay.dataset.boolq { split = "validation" }
local plays = assay.dataset.text { path = assay.setting("plays", "../text/tinyshakespeare.txt") }

-- How many sequences a set gives: n if the study takes 64 in all, else the same share of the study's number.
local function share(n) return math.max(1, n * sequences // 64) end

local maths = mix("maths", "GSM8K, ARC-Easy and ARC-Challenge train", drawn(gsm8k, share(32)),
                  drawn(arc_easy, share(16)), drawn(arc_challenge, share(16)))
local mixed = mix("mixed", "TinyShakespeare, SQuAD contexts, BoolQ passages, GSM8K and ARC-Easy train",
                  drawn(plays, share(10)), drawn(squad, share(20), function(r) return r.context end),
                  drawn(boolq, share(14), function(r) return r.passage end), drawn(gsm8k, share(12)),
                  drawn(arc_easy, share(8)))

-- ---- recipes: about the same counted bits within a part -----------------------------------------

local method = assay.method
local recipes = {}
local function add(part, ...)
   if not parts:find("," .. part .. ",", 1, true) then return end
   for _, recipe in ipairs { ... } do
      local text = recipe.calibration and recipe.calibration.options.name
      local wanted = methods == ",," or methods:find("," .. recipe.data.method .. ",", 1, true) or
                     methods:find("," .. recipe.id .. ",", 1, true)
      if wanted and (not text or texts_used:find("," .. text .. ",", 1, true)) then recipes[#recipes + 1] = recipe end
   end
end

-- The options of a recipe: bits, group, calibration and those in `more`.
local function at(bits, group, calibration, more)
   local given = { bits = bits, group = group, calibration = calibration }
   for key, value in pairs(more or {}) do given[key] = value end
   return given
end

add("w4", method.rtn(at(4, 64)), method.hqq(at(4, 64)))
for _, c in ipairs { mixed, maths } do
   add("w4", method.opt_rtn(at(4, 64, c)), method.gptq(at(4, 64, c)), method.awq(at(4, 64, c)),
       method.best(at(4, 64, c, { tune = false })), method.best(at(4, 64, c)))
end
add("w4more", method.awq_gptq(at(4, 64, mixed)), method.gptaq(at(4, 64, mixed)),
    method.autoround(at(4, 64, mixed, { iterations = 50 })), method.adaround(at(4, 64, mixed)),
    method.salient(at(4, 64, mixed)))
add("w3", method.rtn(at(3, 64)), method.opt_rtn(at(3, 64, mixed)), method.gptq(at(3, 64, mixed)),
    method.awq(at(3, 64, mixed)), method.best(at(3, 64, mixed, { tune = false })), method.best(at(3, 64, mixed)))
add("wide", method.rtn(at(4, 32)), method.opt_rtn(at(4, 32, mixed)), method.gptq(at(4, 32, mixed)),
    method.best(at(4, 32, mixed, { tune = false })), method.best(at(4, 32, mixed)))
add("w8a8", method.rtn { scheme = "w8a8" }, method.smoothquant { calibration = mixed },
    method.smoothquant { search = true, calibration = mixed },
    method.quarot { scheme = "w8a8", quantizer = "rtn", calibration = mixed },
    method.best { scheme = "w8a8", calibration = mixed })
-- Two bits are for models on which even three bits cost nothing, such as a small model after short training: there only two bits show a
-- difference between methods.
add("w2", method.rtn(at(2, 64)), method.opt_rtn(at(2, 64, mixed)), method.gptq(at(2, 64, mixed)),
    method.best(at(2, 64, mixed, { tune = false })), method.best(at(2, 64, mixed)),
    method.opt_rtn(at(2, 64, mixed, { tune = true })), method.gptq(at(2, 64, mixed, { tune = true })))
-- The method `best` adds two things: a tune (scales trained at the end) and a Hessian that also counts position 0. These recipes have only
-- the tune; `best` with tune = false has only the Hessian.
add("ablation", method.opt_rtn(at(4, 64, mixed, { tune = true })), method.gptq(at(4, 64, mixed, { tune = true })))

-- Ranges in which scales are searched. The untuned `best` shows what a range does to error feedback with the Hessian of `best`.
local function range_recipes(bits, group, from, to)
   for _, c in ipairs { mixed, maths } do
      for _, name in ipairs { "opt_rtn", "gptq", "gptaq", "adaround", "best" } do
         local options = { scale_from = from, scale_to = to }
         if name == "best" then options.tune = assay.setting("tune", false) end
         options.label = ("%s W%d g%d %g:%g (%s)"):format(name, bits, group, from, to, c.options.name)
         add("range", method[name](at(bits, group, c, options)))
      end
   end
end
if parts:find(",range,", 1, true) then
   for bits in tostring(assay.setting("bits", "4,3")):gmatch "%d+" do
      for group in tostring(assay.setting("groups", "32,64,128")):gmatch "%d+" do
         for from, to in assay.setting("ranges", "0.6:1.15,0.9:1.13"):gmatch "([%d.]+):([%d.]+)" do
            range_recipes(tonumber(bits), tonumber(group), tonumber(from), tonumber(to))
         end
      end
   end
end

-- ---- the study --------------------------------------------------------------------------------------

local known = name:match "^smollm2"
local tasks = {
   assay.task.perplexity { id = "wikitext", title = "WikiText-2, " .. split, window = window, limit = windows,
                           windows = "first", dataset = assay.dataset.wikitext2 { split = split } },
}
-- GSM8K has no validation split. So with split=validation its train text is measured, although calibrations hold a few sequences of it.
tasks[2] = assay.task.perplexity { id = "gsm8k", title = "GSM8K " .. (split == "test" and "test" or "train") .. " text",
                                   window = math.min(1024, window), limit = math.max(2, windows * 3 // 4), windows = "first",
                                   dataset = assay.dataset.gsm8k { split = split == "test" and "test" or "train" } }
return assay.study {
   name = known and "methods-on-smollm2" or "methods-on-" .. name:match "[^/]+$",
   title = "Quantization methods on " .. (known and "SmolLM2-135M-Instruct" or name:match "[^/]+$"),
   question = "Which method loses least at equal bits, and how much depends on the calibration text?",
   subjects = { base = name },
   recipes = recipes,
   tasks = tasks,
   after = function(report, folder, context) matrix.write(folder .. "/matrix.md", report, context) end,
}
