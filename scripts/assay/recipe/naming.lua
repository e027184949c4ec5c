-- Makes the names of checkpoint folders: {base}-{dataset}_{training}_{peft}_{tag}. Names are never read back, since the metadata of
-- a folder says what it is.
local fail = require "assay.lib.fail"
local native = require "assay.native"
local fs, json = native.fs, native.json

local naming = {}

-- "AWQ_w4_g128_headfp16" of a recipe; keep_head: the output head stays in 16 bits.
function naming.tag(recipe, keep_head)
   local o, parts = recipe.options or {}, { recipe.data.method:upper() }
   if o.bits then parts[#parts + 1] = "w" .. o.bits end
   if o.group then parts[#parts + 1] = o.group == -1 and "channel" or "g" .. o.group end
   if o.symmetric == false then parts[#parts + 1] = "asym" end
   if keep_head then parts[#parts + 1] = "headfp16" end
   return table.concat(parts, "_")
end

-- naming.folder { base = "Qwen3-0.6B", dataset = "openmath", training = "SFT", peft = "NoPeft",
--                 tag = "AWQ_w4_g128_headfp16", quantized = true }. All but base may be missing.
function naming.folder(parts)
   local name = parts.base
   if parts.dataset then name = name .. "-" .. parts.dataset end
   if parts.dataset or parts.training then
      name = ("%s_%s_%s"):format(name, parts.training or "SFT", parts.peft or "NoPeft")
   end
   if parts.tag then name = name .. "_" .. parts.tag end
   return parts.quantized and name .. "_quantized" or name
end

-- The first of these members that the training record has: of a path or hub name its last part.
local function member(record, ...)
   for _, key in ipairs { ... } do
      local value = record[key]
      if type(value) == "string" and value ~= "" then return value:gsub("/+$", ""):match "[^/]+$" end
   end
   return nil
end

-- { base, dataset, training, peft } from the training record of a model folder; nil if there is none.
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

-- The name of the folder of a quantized subject: from its training record, else its own name and the tag. A subject whose name
-- ends in this tag already only gets "_quantized".
function naming.quantized(subject, recipe, keep_head)
   local own = native.model.name(subject):gsub("%.gguf$", "")
   local tag = naming.tag(recipe, keep_head)
   if #own > #tag and own:sub(-#tag - 1) == "_" .. tag then return own .. "_quantized" end
   local facts = naming.training_facts(subject)
   if not facts then return naming.folder { base = own, tag = tag } end
   facts.tag, facts.quantized = tag, true
   return naming.folder(facts)
end

-- Where a folder of that name goes when nobody says where: the working folder; beside the model where the working folder
-- is the model's own, since a model folder holds one model.
function naming.place(subject, name)
   local model, here = fs.absolute(subject), fs.absolute "."
   if (here .. "/"):sub(1, #model + 1) ~= model .. "/" then return name end
   if model:find "/snapshots/[^/]+$" then
      fail.usage("the working folder is a snapshot of the hub's cache, which holds nothing else",
                 "Say where the checkpoint goes with --out DIR")
   end
   return (model:match "^(.*)/[^/]*$") .. "/" .. name
end

return naming
