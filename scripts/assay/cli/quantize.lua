-- The command `assay quantize`: quantizes one model by one method and writes one checkpoint folder. The form
-- `assay quantize run --src .. --dst ..` does the same.
local fail = require "assay.lib.fail"
local calibration = require "assay.data.calibration"
local dataset = require "assay.data.dataset"
local ledger = require "assay.lib.ledger"
local method = require "assay.recipe"
local loading = require "assay.recipe.loading"
local model = require "assay.model"
local naming = require "assay.recipe.naming"
local native = require "assay.native"
local set_values = require "assay.recipe.set_values"
local fs, json, sys = native.fs, native.json, native.sys

local default_method, default_format = "rtn", "auto"
local most_sequences, longest = 64, 512 -- most sequences, and most tokens of one, if the user gives no size

-- Returns the options for the method, also those that the user sets as in --set method.feedback=false. Of bits, group and symmetric
-- it passes only those that the method has, because the command line may have a default for an option that the method lacks, and such a
-- default must not be an error.
local function method_options(definition, o)
   local wanted = { bits = o.bits, group = o.group, symmetric = o.symmetric }
   local given = {}
   for key, value in pairs(wanted) do
      if definition.options[key] then given[key] = value end
   end
   if o.keep or o.keep_lm_head then
      given.keep = table.move(o.keep or {}, 1, #(o.keep or {}), 2, { "lm_head" }) -- every method keeps the head
   end
   if o.tune then given.tune = true end
   for key, value in pairs(set_values "method") do given[key] = value end
   return given
end

-- Returns the dataset for --calib. The value is a file in one of the forms of data/data_form.lua, or a known set such as
-- "gsm8k" or "gsm8k:train". Without a split, `train` is used.
local function source_of(calib)
   if fs.kind(calib) then return dataset.text { path = calib } end
   local name, split = calib:match "^([%w_]+):?([%w_]*)$"
   if not name or not getmetatable(dataset).is_known_set(name) then
      fail.usage(("there is no calibration text '%s'"):format(calib),
                 "--calib FILE (text, JSON, JSON lines, CSV, Parquet), or a known set such as gsm8k:train")
   end
   return dataset[name] { split = split ~= "" and split or "train" }
end

-- Returns the calibration. source: a dataset. If the user gives no size, no template and no layout, the calibration takes as
-- many sequences as the text has, up to 64 sequences of 512 tokens, so that a short file is enough.
local function calibration_of(o, m, source)
   local values = sys.settings().values -- template, layout and mask, as in --set template=chat
   local given = { dataset = source, samples = o.samples, length = o.length, seed = sys.settings().seed,
                   template = values.template, layout = values.layout, mask = values.mask,
                   allow_short = "a calibration file given on the command line" }
   if not o.samples and not o.length and not values.template and not values.layout then
      local tokens = #m:encode(source:text(), { start = true })
      given.length = math.max(2, math.min(longest, tokens))
      given.samples = math.max(1, math.min(most_sequences, tokens // given.length))
   end
   return calibration(given)
end

-- Prints what was written: size, calibration, and how many ledger entries (`entries`) there are of each kind. planned: what was
-- written, for the programs that load it.
local function report(recipe, data, out, saved, q, entries, planned)
   local s = q.summary
   if sys.settings().json then
      io.write(json.encode({ folder = out, saved = saved, summary = s, ledger = entries }), "\n")
      return
   end
   io.write(("%s: %s, %.3f bits per weight over all parameters, %s\n"):format(out, recipe.label,
            s.bits_per_weight, sys.bytes(saved.bytes)))
   if data then io.write(tostring(data), "\n") end
   local programs = loading.sentence(planned)
   if programs then io.write(("loads in %s (the command `assay formats` shows dates and sources)\n"):format(programs)) end
   if #entries == 0 then return end
   local counts = {}
   for _, entry in ipairs(entries) do counts[entry.kind] = (counts[entry.kind] or 0) + 1 end
   local words = {}
   for _, kind in ipairs(fail.sorted_keys(counts)) do words[#words + 1] = ("%d %s"):format(counts[kind], kind) end
   io.write(("ledger: %s; quantization_metadata.json names the linear of each\n"):format(table.concat(words, ", ")))
end

-- Refuses an output folder that exists, so that nothing is overwritten. If the folder is complete but its resume folder still
-- exists, the run that made it was killed before it removed the resume folder. The resume folder is then removed here.
local function refuse_existing(out, resume)
   if not fs.kind(out) then return end
   local cleared = ""
   if fs.kind(resume) and fs.kind(out .. "/quantization_metadata.json") then
      fs.remove_all(resume)
      cleared = " and is complete; the resume folder that an interrupted run left beside it was removed"
   end
   fail.usage(("'%s' exists already%s"):format(out, cleared), "Choose another folder or remove it first")
end

return function(o)
   local definition = method[o.method or default_method]
   local recipe = definition(method_options(definition, o))
   recipe.data.seed = sys.settings().seed
   local path = model.find(o.model)
   local out = o.out:gsub("/+$", "")
   if out == "" then out = naming.place(path, naming.quantized(path, recipe, o.keep_lm_head)) end
   local resume = out .. ".resume" -- finished blocks: the same command continues from them after a kill
   local _ <close> = fs.claim(out) -- only one command at a time may write this folder
   refuse_existing(out, resume)
   native.quant.require_linears(recipe.data, path)
   if recipe.calibrated and not o.calib then
      fail.usage(("the method %s needs calibration text"):format(definition.name), "--calib FILE")
   end
   local source = recipe.calibrated and source_of(o.calib) or nil
   local format, config = o.format or default_format, set_values "export"
   local planned = native.quant.planned_export(recipe.data, path, format, config) -- refuses what the format cannot hold
   -- Unless the recipe needs the whole model, only the weights of one block are in memory. That is enough, because the resume
   -- folder holds all else that the run needs.
   local on_demand = native.quant.needs_whole_model(recipe.data) == ""
   local m = model.load(path, { adapter = o.adapter, on_demand = on_demand or nil })
   local data = source and calibration_of(o, m, source) or nil
   sys.begin(recipe.label)
   local q = m:quantize(recipe, data, { resume = resume })
   sys.finish()
   local saved = q:save(out, { format = format, config = config })
   if fs.kind(resume) then fs.remove_all(resume) end
   local entries = q.ledger
   table.move(saved.ledger, 1, #saved.ledger, #entries + 1, entries)
   report(recipe, data, out, saved, q, entries, planned)
   local incidents = ledger.incidents(entries)
   if sys.settings().strict and incidents > 0 then
      sys.fail { kind = "gate", message = ("the ledger has %d entries"):format(incidents) }
   end
   return 0
end
