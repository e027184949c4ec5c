-- Names of checkpoint folders: {base}-{dataset}_{training}_{peft}_{tag}, written by one function.
-- Never read back: what a folder is, its metadata says.
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

-- The folder of a quantized subject: the subject's own name and the tag.
function naming.quantized(subject, recipe, keep_head)
   local base = subject:gsub("/+$", ""):match "[^/]+$":gsub("%.gguf$", "")
   return base .. "_" .. naming.tag(recipe, keep_head)
end

return naming
