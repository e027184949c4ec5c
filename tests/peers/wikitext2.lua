-- Compares SmolLM2's cross-entropies on the first windows of WikiText-2 (test) with transformers' (tests/golden/wikitext2.json).
-- usage: assay run wikitext2.lua --set model=GGUF --set text=wiki.test.raw --set golden=FILE
local assay = require "assay"
local native = require "assay.native"

local golden = assay.json.decode(native.fs.read(assay.setting("golden", "")))
local text = native.fs.read(assay.setting("text", ""))
assert(native.fs.sha256(text) == golden.sha256, "the text is not the file from which the golden was made")
local m = assay.load(assay.setting("model", ""))
local ids = m:encode(text)
assert(#ids == golden.tokens, ("%d tokens instead of %d"):format(#ids, golden.tokens))
local result = m:perplexity(ids, { window = golden.window, limit = #golden.cross_entropy })
local worst = 0
for i, expected in ipairs(golden.cross_entropy) do
   worst = math.max(worst, math.abs(result.windows[i] - expected) / expected)
end
local off = math.abs(result.ppl / golden.ppl - 1)
print(("perplexity %.6f, transformers %.6f: %.1e apart; cross-entropies of windows up to %.1e apart"):format(result.ppl, golden.ppl, off,
   worst))
assert(off < 2e-4, "the perplexities are more than 0.02 % apart")
