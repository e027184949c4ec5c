-- A small study with calibration, which takes seconds. Arguments: MODEL TEXT CALIBRATION-TEXT [why overlap is allowed].
-- With --set of=recipe the calibration is given to the recipe and not to the study.
local assay = require "assay"
local model, text, calibration, why = ...

local calib = assay.calibration { dataset = assay.dataset.text { path = calibration, license = "CC0-1.0" }, samples = 4,
                                  length = 64, allow_overlap = why }
local of_recipe = assay.setting("of", "study") == "recipe"

return assay.study {
   name = "calibrated",
   subjects = { base = model },
   calibration = not of_recipe and calib or nil,
   recipes = { assay.method.gptq { bits = 4, group = 16, calibration = of_recipe and calib or nil } },
   tasks = { assay.task.perplexity { dataset = assay.dataset.text { path = text }, window = 64, limit = 4 } },
}
