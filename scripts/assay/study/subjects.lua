-- What is known about a study's models before they are loaded: the path of the file, facts from its header, its fingerprint.
-- Each is read once and stored in the subject itself: subject = { id, path, file?, facts?, fingerprint? }.
local model = require "assay.model"
local native = require "assay.native"

local subjects = {}

-- The facts of the model's header: parameters, linear_parameters, tensor_bytes, hidden, vocabulary, architecture, ...
function subjects.facts(subject)
   if not subject.facts then
      subject.file = model.find(subject.path)
      subject.facts = native.model.inspect(subject.file)
   end
   return subject.facts
end

-- The hash of the model's files. Keys of stored results contain it.
function subjects.fingerprint(subject)
   if not subject.fingerprint then
      subjects.facts(subject)
      native.sys.update(0, 1, "hashing the model")
      subject.fingerprint = native.model.fingerprint(subject.file)
   end
   return subject.fingerprint
end

-- Raises an error if a recipe names linears that a subject does not have. Only the headers of models are read, so that a wrong name is
-- found before hours of work.
function subjects.check(study)
   for _, variant in ipairs(study:variants()) do
      subjects.facts(variant.subject)
      native.quant.require_linears(variant.recipe.data, variant.subject.file, ("recipe '%s'"):format(variant.recipe.label))
   end
end

return subjects
