-- Imports a GGUF file and writes what real_family.py compares with transformers: token ids of texts, and the log probability of each
-- token of one passage.
-- usage: assay-lab run real_family.lua MODEL.gguf TEXT FOLDER
local assay = require "assay"
local native = require "assay.native"
local fs, json = native.fs, native.json

local file, text, out = ...
native.model.import(file, out .. "/hf", {})
local m = assay.load(out .. "/hf")

local texts = json.list { "Hello world", " two  spaces\n\n and 123456 digits", "don't WE'RE it's", "Zürich, 東京 🙂 и так", "x\t= 3.14; // ok\r\n",
                          "<bos>a<eos> b <start_of_turn>user\nHi<end_of_turn>\n<unused5>c", "   leading   and trailing   ",
                          "a\n\n\n\nb\t\tc <h1>T</h1>", "ﬁ ½ ＡＢ é \u{0}x", "किताब العربية ไทย 한국어 日本語 中文" }
local encoded = json.list {}
for i, one in ipairs(texts) do encoded[i] = json.list(m:encode(one, { special = true })) end

local ids = { table.unpack(m:encode(assert(fs.read(text)):sub(1, 4000)), 1, 257) }
local logits, logprobs = m:logits(ids), json.list {}
for t = 1, #ids - 1 do
   local row = logits:row(t):tolist()
   local most, sum = math.max(table.unpack(row, 1, 200)), 0
   for _, x in ipairs(row) do most = math.max(most, x) end
   for _, x in ipairs(row) do sum = sum + math.exp(x - most) end
   logprobs[t] = row[ids[t + 1] + 1] - most - math.log(sum)
end
fs.write(out .. "/ours.json", json.encode { texts = texts, encoded = encoded, ids = json.list(ids), logprobs = logprobs })
