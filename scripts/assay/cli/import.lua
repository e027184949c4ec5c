-- assay import FILE.gguf DIR: writes the model of a GGUF file (llama.cpp's format) as a Hugging Face folder.
local model = require "assay.model"
local native = require "assay.native"

return function(o)
   local file = model.find(o.file)
   native.model.import(file, o.folder, { dtype = o.dtype })
   local f = native.model.inspect(o.folder)
   io.write(("%s: %s, %.1f M parameters, %s\n"):format(o.folder, f.architecture, f.parameters / 1e6,
            native.sys.bytes(native.fs.size(o.folder))))
   local note = native.model.inspect(file).provenance_note
   if note ~= "" then io.write("note: ", note, "\n") end
   return 0
end
