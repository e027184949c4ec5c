-- The table of contents of the Lua library: `require "assay"` returns this table.
-- Each entry is written elsewhere: in the file that its line requires, or in C++ (native). This file only lists them.
local native = require "assay.native"

local assay = {
   json = native.json,
   version = native.sys.settings().version,

   load = require("assay.model").load,             -- a model folder or GGUF file, ready to run
   tokenizer = native.text.tokenizer, -- a tokenizer without its model
   template = native.text.template, -- a chat template without its model

   method = require "assay.recipe",                -- named methods: assay.method.rtn { bits = 4 }
   grid = require "assay.study.grid",                    -- recipes of every combination of methods and option values
   sweep = require "assay.study.sweep",                  -- a starting recipe, and recipes that differ from it in one setting
   allocate = require "assay.insight.allocate",            -- bits for each part of a model within a target
   dataset = require "assay.data.dataset",              -- assay.dataset.text { path = ... }
   calibration = require "assay.data.calibration",      -- token sequences from which a method takes its statistics
   task = require "assay.tasks",                    -- assay.task.perplexity { dataset = ... }
   study = require("assay.study").describe,        -- a study as data: subjects x recipes x tasks

   plugins = require("assay.lib.plugin"),              -- what plugins offer
   if_available = require("assay.study.available").if_available, -- a recipe or task, or the reason why it cannot be made here
   setting = require "assay.lib.setting",              -- values of --set key=value
   help = require("assay.lib.help").help,              -- help(x) explains x
   print = require("assay.lib.pretty").print,          -- print that shows tables
   finish = function(...) return require "assay.study.run"(...) end, -- what the program does with a script's result
}

package.loaded["assay"] = assay -- help(x) looks for x in this table (lib/manual.lua)
return assay
