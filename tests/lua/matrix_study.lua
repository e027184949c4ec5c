-- A small study for matrix_test.sh: its function `after` writes the page matrix.md. Arguments: MODEL TEXT CALIBRATION-TEXT.
local assay = require "assay"
local matrix = require "assay.studies.matrix"
local model, text, calibration = ...

local letters = assay.calibration { dataset = assay.dataset.text { path = calibration, license = "CC0-1.0" }, samples = 4,
                                    length = 64, name = "letters" }
local function of(name, more)
   local o = { bits = 3, group = 16, calibration = name ~= "rtn" and letters or nil }
   for key, value in pairs(more or {}) do o[key] = value end
   return assay.method[name](o)
end

return assay.study {
   name = "matrix",
   subjects = { base = model },
   recipes = { of "rtn", of "opt_rtn", of("best", { tune = { steps = 2 } }), of("rtn", { group = 32 }),
               of("quarot", { r4 = false, activation = 16, kv = 16 }),
               assay.method.best { scheme = "w8a8", calibration = letters }, assay.method.rtn { scheme = "w8a8" } },
   tasks = { assay.task.perplexity { dataset = assay.dataset.text { path = text }, window = 64, limit = 6 } },
   after = function(report, folder, context) matrix.write(folder .. "/matrix.md", report, context) end,
}
