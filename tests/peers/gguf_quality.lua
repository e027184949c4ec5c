-- Our side of gguf_quality.py: writes the texts, the untouched model as a GGUF file of float32, and our files of each mixture.
-- usage: assay run gguf_quality.lua --data DIR --set model=MODEL --set out=DIR [--set types=q4_0,q4_k_m] [--set variants=plain,best,allotted]
--    [--set draw=42]
--   plain     the method that bears the mixture's name: search by importance, error feedback
--   best      gguf_best with the mixture's own types: scales and norms are trained at the end
--   allotted  gguf_best with types that measured sensitivity chose within the mixture's size
-- llama.cpp reads the same calibration tokens: it cuts the text into pieces of 512 tokens, and so does this script. Where the tokenizer
-- has a first token (<bos>), llama-imatrix puts it in place of the first token of every piece; so does this script.
local assay = require "assay"
local windows = require "assay.tasks.kinds.text_windows"
local fs, sys = require("assay.native").fs, require("assay.native").sys

local model = assay.load(assay.setting("model", "smollm2-135m-instruct"))
local out = assay.setting("out", "gguf-quality")
local types, variants = assay.setting("types", "q4_0,q4_k_m,iq4_xs,q3_k_m,q2_k"), assay.setting("variants", "plain,best,allotted")
local pieces, length <const> = assay.setting("pieces", 64), 512

-- The texts of a set, each once, in an order that the seed decides, until they have about `tokens` tokens (4 characters each).
local function drawn(dataset, tokens, text_of)
   local texts, seen = {}, {}
   for record in dataset:records() do
      local text = text_of and text_of(record) or dataset:text_of(record)
      if text and not seen[text] then
         seen[text] = true
         texts[#texts + 1] = text
      end
   end
   for i = #texts, 2, -1 do
      local j = sys.seed(assay.setting("draw", 42), "calibration", tostring(i), "shuffle") % i + 1
      texts[i], texts[j] = texts[j], texts[i]
   end
   local taken, characters = {}, 0
   for _, text in ipairs(texts) do
      if characters > 4 * tokens then break end
      taken[#taken + 1], characters = text, characters + #text
   end
   return table.concat(taken, "\n\n")
end

local function calibration_text()
   local part = "the files at hand hold a part of the set"
   local squad = assay.dataset.squad_v2 { split = "validation", subset = part }
   local arc_easy = assay.dataset.arc_easy { split = "train", subset = part }
   local n = pieces * length
   return table.concat({ drawn(squad, n * 0.4, function(r) return r.context end),
                         drawn(assay.dataset.boolq { split = "validation" }, n * 0.25, function(r) return r.passage end),
                         drawn(assay.dataset.gsm8k { split = "train" }, n * 0.25), drawn(arc_easy, n * 0.2) }, "\n\n")
end

-- The pieces that llama-imatrix computes of this text.
local function pieces_of(text)
   local ids, first = model:encode(text, { start = true }), windows.first_token(model)
   local list = {}
   for i = 1, math.min(pieces, #ids // length) do
      list[i] = table.move(ids, (i - 1) * length + 1, i * length, 1, {})
      if first then list[i][1] = first end
   end
   return list
end

local function write(path, text)
   if not fs.kind(path) then fs.write(path, text) end
   return fs.read(path)
end

fs.mkdir(out)
local text = write(out .. "/calibration.txt", calibration_text())
write(out .. "/wikitext2.txt", assay.dataset.wikitext2 { split = "test" }:text())
write(out .. "/gsm8k.txt", assay.dataset.gsm8k { split = "test" }:text())
local calibration = assay.calibration { name = "pieces", ids = pieces_of(text), source = { dataset = "calibration.txt" } }
if not fs.kind(out .. "/f32") then
   model:quantize(assay.method.none {}):save(out .. "/f32", { format = "gguf", config = { float_type = "F32" } })
end

local methods = {
   plain = function(name) return assay.method[name] {} end,
   best = function(name) return assay.method.gguf_best { mixture = name:upper() } end,
   allotted = function(name)
      local a = assay.allocate { model = model, calibration = calibration, mixture = name:upper() }
      return assay.method.gguf_best { allocation = a }
   end,
}
for variant in variants:gmatch "%a+" do
   for name in types:gmatch "[%w_]+" do
      local folder = ("%s/%s-%s"):format(out, name, variant)
      if not fs.kind(folder) then
         local start = os.time()
         model:quantize(methods[variant](name), calibration):save(folder, { format = "gguf" })
         print(("%s: %d s"):format(folder, os.time() - start))
      end
   end
end
