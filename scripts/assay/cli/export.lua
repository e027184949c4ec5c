-- The command `assay export`: writes the codes that a quantized folder or a GGUF file stores in another format. Nothing is rounded: a
-- format that cannot hold the codes is refused before anything is written.
local fail = require "assay.lib.fail"
local loading = require "assay.recipe.loading"
local model = require "assay.model"
local naming = require "assay.recipe.naming"
local native = require "assay.native"
local set_values = require "assay.recipe.set_values"
local fs, json, sys = native.fs, native.json, native.sys

-- The folder if the user names none: the model's name and the format.
local function default_place(path, format)
   return naming.place(path, ("%s_%s"):format(native.model.name(path):gsub("%.gguf$", ""), format))
end

return function(o)
   local path = model.find(o.model)
   local out = o.out:gsub("/+$", "")
   if out == "" then out = default_place(path, o.format) end
   local _ <close> = fs.claim(out)
   if fs.kind(out) then fail.usage(("'%s' exists already"):format(out), "Choose another folder or remove it first") end
   local how = { format = o.format, config = set_values "export", keep = o.keep }
   local planned = native.quant.planned_stored_export(path, how)
   how.card = loading.card(planned, out:match "([^/]+)$")
   local saved = native.quant.export_stored(path, out, how)
   if sys.settings().json then
      io.write(json.encode(json.object { { "folder", out }, { "saved", saved } }), "\n")
      return 0
   end
   io.write(("%s: %s, %s\n"):format(out, saved.format, sys.bytes(saved.bytes)))
   local programs = loading.sentence(planned)
   if programs then io.write(("loads in %s (the command `assay formats` shows dates and sources)\n"):format(programs)) end
   for _, entry in ipairs(saved.ledger) do io.write(("note: %s\n"):format(entry.message)) end
   return 0
end
