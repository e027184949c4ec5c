-- A study of seconds with calibration. Arguments: MODEL TEXT CALIBRATION-TEXT [why overlap is allowed].
local assay = require "assay"
local model, text, calibration, why = ...

return assay.study {
   name = "calibrated",
   subjects = { base = model },
   calibration = assay.calibration { dataset = assay.dataset.text { path = calibration, license = "CC0-1.0" }, samples = 4,
                                     length = 64, allow_overlap = why },
   recipes = { assay.method.gptq { bits = 4, group = 16 } },
   tasks = { assay.task.perplexity { dataset = assay.dataset.text { path = text }, window = 64, limit = 4 } },
}
