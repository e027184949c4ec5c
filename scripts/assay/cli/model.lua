-- assay model MODEL: says what a model folder or a GGUF file holds, from its header and its bytes, without running the model.
-- The exit code is 1 if a tensor that config.json asks for is missing.
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

-- The metadata that says how a folder was quantized; nil if it has none.
local function record_of(path)
   local text = native.fs.kind(path) and native.fs.read(path .. "/quantization_metadata.json")
   local ok, record = pcall(json.decode, text or "")
   if not text or not ok or type(record) ~= "table" or type(record.recipe) ~= "table" then return nil end
   return record
end

-- Says whether the output head shares its matrix with the embedding ("tied").
local function head_text(f)
   if f.tied then return "tied to the embedding" end
   if not f.untied_by_weights then return "its own" end
   return "its own, although config.json says tied to the embedding: assay and transformers use this head, vLLM uses the embedding"
end

-- "12 of 33 tensors: a, b, c and 9 more"
local function missing_text(f)
   local names = f.missing_tensors
   local shown = table.concat(names, ", ", 1, math.min(3, #names))
   local more = #names > 3 and (" and %d more"):format(#names - 3) or ""
   return ("%d of the %d tensors that config.json asks for: %s%s"):format(#names, f.required_tensors, shown, more)
end

-- Says which row of the families the model took, and where its formulas differ from those of Llama.
local function family_text(f)
   local parts = { f.family }
   if f.windows.layers > 0 then
      parts[#parts + 1] = ("sliding window of %d tokens in %d layers"):format(f.windows.tokens, f.windows.layers)
   end
   if f.local_rope then
      parts[#parts + 1] = ("RoPE base %g, in %d layers %g"):format(f.rope.theta, f.local_rope.layers, f.local_rope.theta)
   end
   if f.qk_norm then parts[#parts + 1] = "norms of q and k" end
   local names = {}
   for name in pairs(f.maths) do names[#names + 1] = name end
   table.sort(names)
   for _, name in ipairs(names) do
      local value = f.maths[name]
      if type(value) == "number" then value = ("%g"):format(value) end
      parts[#parts + 1] = name:gsub("_", " ") .. " " .. value
   end
   return table.concat(parts, "; ")
end

-- "a token goes through 8 of 64 in each of 16 layers; active parameters 1300000000 (18.8 %)"
local function experts_text(f)
   local e = f.experts
   return ("a token goes through %d of %d in each of %d layers, with %d hidden channels; active parameters %d (%.1f %%)")
             :format(e.per_token, e.count, e.layers, e.hidden, f.active_parameters, 100 * f.active_parameters / f.parameters)
end

-- "3 tensors: a, b and c"; f: what native.model.describe returns.
local function unused_text(f)
   local names = f.unused_tensors
   local more = #names > 3 and (" and %d more"):format(#names - 3) or ""
   return ("%d tensors: %s%s"):format(#names, table.concat(names, ", ", 1, math.min(3, #names)), more)
end

-- "3 in model.layers.0.mlp.up_proj: ...", for scales of zero.
local function zero_text(list)
   local parts = {}
   for i = 1, math.min(3, #list) do parts[i] = ("%d in %s"):format(list[i].count, list[i].linear) end
   local more = #list > 3 and (" and %d more linears"):format(#list - 3) or ""
   return ("%s%s: all weights of these groups are zero"):format(table.concat(parts, ", "), more)
end

-- Says how a quantized folder was made: method, quantizer, size, and the length of its ledger (fallbacks, skips, repairs).
local function made_text(record)
   local r, s = record.recipe, record.summary or {}
   local text = tostring(r.method)
   if type(r.quantizer) == "table" then text = ("%s, %s %s"):format(text, r.quantizer.id, json.encode(r.quantizer.config)) end
   if s.bits_per_weight then text = ("%s, %.3f bits per weight over all parameters"):format(text, s.bits_per_weight) end
   return ("%s, %d ledger entries"):format(text, #(record.ledger or {}))
end

return function(o)
   local path = model.find(o.path)
   local f = native.model.describe(path, { adapter = o.adapter })
   local incomplete = f.missing_tensors and #f.missing_tensors > 0
   if sys.settings().json then
      io.write(json.encode(f, { indent = 2 }), "\n")
      return incomplete and 1 or 0
   end
   line("path", f.path)
   line("architecture", f.architecture)
   if f.maths then line("family", family_text(f)) end
   if f.sizes then line("sizes", sizes_text(f.sizes)) end
   if f.experts then line("experts", experts_text(f)) end
   line("parameters", ("%d, counted from the tensors"):format(f.parameters))
   line("stored as", stored_text(f.stored) .. ", " .. sys.bytes(f.bytes))
   line("quantized", f.quant_method)
   local record = record_of(f.path)
   if record then line("made by", made_text(record)) end
   if #(f.zero_scales or {}) > 0 then line("zero scales", zero_text(f.zero_scales)) end
   line("head", head_text(f))
   for _, l in ipairs(f.linears) do
      line(l.role, ("%d x [%d, %d]"):format(l.count, l.out, l["in"]))
   end
   line("chat template", f.chat_template and "yes" or "no")
   line("fingerprint", f.fingerprint)
   if f.provenance ~= "" then line("note", f.provenance) end
   if not f.supported then line("cannot run", f.why_not) end
   if incomplete then line("missing", missing_text(f)) end
   if f.unused_tensors and #f.unused_tensors > 0 then line("not used", unused_text(f)) end
   return incomplete and 1 or 0
end
