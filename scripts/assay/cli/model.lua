-- assay model MODEL: what a folder or a GGUF file is, from its header and its bytes.
local model = require "assay.model"
local native = require "assay.native"
local json, sys = native.json, native.sys

local function dtypes_text(dtypes)
   local parts = {}
   for name, n in pairs(dtypes) do parts[#parts + 1] = ("%s %.1f M"):format(name, n / 1e6) end
   return table.concat(parts, ", ")
end

return function(o)
   local path = model.find(o.path)
   local f = native.model.inspect(path)
   f.fingerprint = native.model.fingerprint(path)
   if sys.settings().json then
      io.write(json.encode(f, { indent = 2 }), "\n")
      return 0
   end
   local function line(name, value) io.write(("%-16s %s\n"):format(name, value)) end
   line("path", f.path)
   line("architecture", f.architecture)
   line("parameters", ("%d (%d in linears of %d blocks)"):format(f.parameters, f.linear_parameters, f.blocks))
   line("stored as", dtypes_text(f.dtypes) .. ", " .. sys.bytes(f.stored_bytes))
   line("quantized", f.quant_method)
   line("head", f.tied_head and "tied to the embedding" or "its own")
   line("vocabulary", f.vocabulary)
   line("chat template", f.chat_template and "yes" or "no")
   line("fingerprint", f.fingerprint)
   if f.provenance_note ~= "" then line("note", f.provenance_note) end
   return 0
end
