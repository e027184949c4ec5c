-- Our side of quantize_quality.py: quantizes by one method on given token ids, then prints the cross-entropy of each window of given texts.
-- usage: assay run quantize_quality.lua --set job=FILE.json
-- FILE.json has the keys model, method, options, ids (for calibration) and texts, a list of { name, ids, window }.
local assay = require "assay"

local file = assert(io.open(assay.setting("job", "job.json")))
local job = assay.json.decode(file:read "a")
file:close()
local model = assay.load(job.model)
if job.method ~= "none" then
   local options = job.options
   if #job.ids > 0 then options.calibration = assay.calibration { name = "given", ids = job.ids } end
   model = model:quantize(assay.method[job.method](options))
end
local losses = {}
for _, text in ipairs(job.texts) do
   local found = model:perplexity(text.ids, { window = text.window, limit = #text.ids // text.window })
   losses[text.name] = found.windows
end
print("losses " .. assay.json.encode(losses))
