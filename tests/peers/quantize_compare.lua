-- Our side of quantize_compare.py: quantizes by one method on given token ids and prints the CPU seconds of the quantization alone.
-- usage: assay run quantize_compare.lua --set job=FILE.json
-- FILE.json has the keys model, method, options and ids, and `out` if the result is to be saved in that folder.
local assay = require "assay"

local file = assert(io.open(assay.setting("job", "job.json")))
local job = assay.json.decode(file:read "a")
file:close()
local model = assay.load(job.model)
local options = job.options
options.calibration = assay.calibration { name = "given", ids = job.ids }
local begin = os.clock()
local quantized = model:quantize(assay.method[job.method](options))
print(("cpu_seconds %.2f"):format(os.clock() - begin))
if job.out then quantized:save(job.out) end
