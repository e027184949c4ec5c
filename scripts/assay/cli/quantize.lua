-- assay quantize: one model, one method, one checkpoint folder.
local fail = require "assay.fail"
local calibration = require "assay.calibration"
local dataset = require "assay.dataset"
local method = require "assay.method"
local model = require "assay.model"
local naming = require "assay.naming"
local native = require "assay.native"
local fs, json, sys = native.fs, native.json, native.sys

local default_method, default_format = "rtn", "auto"

-- Only options that the method has; the command line's defaults must not trip a method without them.
local function method_options(definition, o)
   local wanted = { bits = o.bits, group = o.group, symmetric = o.symmetric }
   local given = {}
   for key, value in pairs(wanted) do
      if definition.options[key] then given[key] = value end
   end
   if o.keep_lm_head then given.keep = { "lm_head" } end
   return given
end

-- --calib FILE, or a known set with an optional split: gsm8k, gsm8k:train. --set template=chat, layout, mask as in scripts.
local function calibration_of(o)
   if not o.calib then return nil end
   local source
   local name, split = o.calib:match "^([%w_]+):?([%w_]*)$"
   if fs.kind(o.calib) then
      source = dataset.text { path = o.calib }
   elseif name and getmetatable(dataset).is_known_set(name) then
      source = dataset[name] { split = split ~= "" and split or "train" }
   else
      fail.usage(("there is no calibration text '%s'"):format(o.calib),
                 "--calib FILE.txt, FILE.jsonl, or the name of a known set")
   end
   local values = sys.settings().values
   return calibration { dataset = source, samples = o.samples, length = o.length, seed = sys.settings().seed,
                        template = values.template, layout = values.layout, mask = values.mask }
end

return function(o)
   local definition = method[o.method or default_method]
   local recipe = definition(method_options(definition, o))
   local out = o.out ~= "" and o.out or naming.quantized(o.model, recipe, o.keep_lm_head)
   if fs.kind(out) then
      fail.usage(("'%s' exists already"):format(out), "Choose another folder or remove it first")
   end
   if recipe.calibrated and not o.calib then
      fail.usage(("the method %s needs calibration text"):format(definition.name), "--calib FILE")
   end
   local m = model.load(o.model, { adapter = o.adapter })
   sys.begin(recipe.label)
   local data = calibration_of(o)
   local q = m:quantize(recipe, data)
   sys.finish()
   local saved = q:save(out, { format = o.format or default_format })
   local s = q.summary
   if sys.settings().json then
      io.write(json.encode({ folder = out, saved = saved, summary = s, ledger = q.ledger }), "\n")
   else
      io.write(("%s: %s, %.3f bits per weight over all parameters, %s\n"):format(out, recipe.label,
               s.bits_per_weight, sys.bytes(saved.bytes)))
      if data then io.write(tostring(data), "\n") end
      if #q.ledger > 0 then io.write(("ledger: %d entries, see quantization_metadata.json\n"):format(#q.ledger)) end
   end
   if sys.settings().strict and #q.ledger > 0 then
      sys.fail { kind = "gate", message = ("the ledger has %d entries"):format(#q.ledger) }
   end
   return 0
end
