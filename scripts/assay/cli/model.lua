-- assay model MODEL: what a folder or a GGUF file is, from its header and its bytes.
local model = require "assay.model"
local native = require "assay.native"
local json, sys = native.json, native.sys

local function line(name, value) io.write(("%-16s %s\n"):format(name, value)) end

local function stored_text(stored)
   local parts = {}
   for name, s in pairs(stored) do
      parts[#parts + 1] = ("%s %.1f M in %d tensors"):format(name, s.parameters / 1e6, s.tensors)
   end
   return table.concat(parts, ", ")
end

local function sizes_text(s)
   return ("%d blocks, hidden %d, MLP %d, %d heads (%d for keys and values) of %d, vocabulary %d")
             :format(s.layers, s.hidden, s.intermediate, s.heads, s.kv_heads, s.head_dim, s.vocab)
end

return function(o)
   local path = model.find(o.path)
   local f = native.model.describe(path, { adapter = o.adapter })
   if sys.settings().json then
      io.write(json.encode(f, { indent = 2 }), "\n")
      return 0
   end
   line("path", f.path)
   line("architecture", f.architecture)
   if f.sizes then line("sizes", sizes_text(f.sizes)) end
   line("parameters", ("%d, counted from the tensors"):format(f.parameters))
   line("stored as", stored_text(f.stored) .. ", " .. sys.bytes(f.bytes))
   line("quantized", f.quant_method)
   line("head", f.tied and "tied to the embedding" or "its own")
   for _, l in ipairs(f.linears) do
      line(l.role, ("%d x [%d, %d]"):format(l.count, l.out, l["in"]))
   end
   line("chat template", f.chat_template and "yes" or "no")
   line("fingerprint", f.fingerprint)
   if f.provenance ~= "" then line("note", f.provenance) end
   if not f.supported then line("cannot run", f.why_not) end
   return 0
end
