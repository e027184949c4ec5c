-- assay: the Lua library, as a table of contents. Everything else is in the file of its name.
-- Not the place for code: `require "assay"` gives this table.
local native = require "assay.native"

local assay = {
   json = native.json,
   version = native.sys.settings().version,

   load = require("assay.model").load,             -- a model folder or GGUF file, ready to run
   tokenizer = native.text and native.text.tokenizer, -- encode and decode alone
   template = native.text and native.text.template, -- a chat template alone

   method = require "assay.recipe",                -- named methods: assay.method.rtn { bits = 4 }
   grid = require "assay.study.grid",                    -- every combination of methods and options
   sweep = require "assay.study.sweep",                  -- recipes that differ from a centre in one setting at a time
   allocate = require "assay.insight.allocate",            -- bits for each part of a model within a target
   dataset = require "assay.data.dataset",              -- assay.dataset.text { path = ... }
   calibration = require "assay.data.calibration",      -- token sequences that statistics come from
   task = require "assay.tasks",                    -- assay.task.perplexity { dataset = ... }
   study = require("assay.study").describe,        -- subjects x recipes x tasks, as data

   plugins = require("assay.lib.plugin"),              -- what plugins offer
   if_available = require("assay.study.available").if_available, -- a recipe or task, or a note why it cannot be had
   setting = require "assay.lib.setting",              -- values of --set key=value
   help = require("assay.lib.help").help,              -- help(x) explains x
   print = require("assay.lib.pretty").print,          -- print that shows tables
   finish = require "assay.study.finish",                -- what `assay run` does with a script's result
}

package.loaded["assay"] = assay -- the help knows the table that it describes
return assay
