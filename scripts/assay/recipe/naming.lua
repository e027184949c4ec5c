-- Makes the names of checkpoint folders: {base}-{dataset}_{training}_{peft}_{tag}. A name is only for people: programs read the
-- metadata in the folder.
local fail = require "assay.lib.fail"
local native = require "assay.native"
local fs, json = native.fs, native.json

local naming = {}

-- The tag of a recipe, such as "AWQ_w4_g128_headfp16". keep_head: the output head stays in 16 bits.
function naming.tag(recipe, keep_head)
   local o, parts = recipe.options or {}, { recipe.data.method:upper() }
   if o.bits then parts[#parts + 1] = "w" .. o.bits end
   if o.group then parts[#parts + 1] = o.group == -1 and "channel" or "g" .. o.group end
   if o.symmetric == false then parts[#parts + 1] = "asym" end
   if keep_head then parts[#parts + 1] = "headfp16" end
   return table.concat(parts, "_")
end

-- naming.folder { base = "Qwen3-0.6B", dataset = "openmath", training = "SFT", peft = "NoPeft",
--                 tag = "AWQ_w4_g128_headfp16", quantized = true }. Only `base` must be given.
function naming.folder(parts)
   local name = parts.base
   if parts.dataset then name = name .. "-" .. parts.dataset end
   if parts.dataset or parts.training then
      name = ("%s_%s_%s"):format(name, parts.training or "SFT", parts.peft or "NoPeft")
   end
   if parts.tag then name = name .. "_" .. parts.tag end
   return parts.quantized and name .. "_quantized" or name
end

-- The text of the first of these members that the training record has. Of a path or a hub name only the last part is kept.
local function member(record, ...)
   for _, key in ipairs { ... } do
      local value = record[key]
      if type(value) == "string" and value ~= "" then return value:gsub("/+$", ""):match "[^/]+$" end
   end
   return nil
end

-- { base, dataset, training, peft } from training_metadata.json in a model folder; nil if there is no such file.
function naming.training_facts(subject)
   local text = fs.kind(subject) and fs.read(subject .. "/training_metadata.json")
   local ok, record = pcall(json.decode, text or "")
   if not text or not ok or type(record) ~= "table" then return nil end
   local base = member(record, "base_model", "base_model_name", "model_name", "base")
   if not base then return nil end
   return { base = base, dataset = member(record, "dataset", "dataset_choice", "dataset_name"),
            training = member(record, "training_method", "training", "method"),
            peft = member(record, "peft", "peft_method", "peft_type") }
end

-- Returns the folder name for a quantized model. It is made from the model's training record, or if there is none from
-- the model's own name, and from the tag. If the model's name ends in this tag already, only "_quantized" is added.
function naming.quantized(subject, recipe, keep_head)
   local own = native.model.name(subject):gsub("%.gguf$", "")
   local tag = naming.tag(recipe, keep_head)
   if #own > #tag and own:sub(-#tag - 1) == "_" .. tag then return own .. "_quantized" end
   local facts = naming.training_facts(subject)
   if not facts then return naming.folder { base = own, tag = tag } end
   facts.tag, facts.quantized = tag, true
   return naming.folder(facts)
end

-- Returns where a checkpoint folder of that name goes if the user gives no path: into the working folder. If the working folder lies in
-- the model's folder, the checkpoint goes beside that folder, since a model folder holds only one model.
function naming.place(subject, name)
   local model, here = fs.absolute(subject), fs.absolute "."
   if (here .. "/"):sub(1, #model + 1) ~= model .. "/" then return name end
   if model:find "/snapshots/[^/]+$" then
      fail.usage("the working folder is a model in the Hugging Face cache, and a new checkpoint must not be put there",
                 "Say where the checkpoint goes with --out DIR")
   end
   return (model:match "^(.*)/[^/]*$") .. "/" .. name
end

return naming
