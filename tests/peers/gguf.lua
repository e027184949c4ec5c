-- Writes GGUF files for gguf.py, with the logits and the token ids that llama.cpp must give for them.
-- usage: assay-lab run gguf.lua FOLDER
local assay = require "assay"
local native = require "assay.native"
local fs, json = native.fs, native.json

local root = ...
local tests = fs.scripts_folder() .. "/../tests/"
local make = assert(load(fs.read(tests .. "lua/make_tiny.lua"), "@make_tiny", "t"))
local make_zeros = assert(load(fs.read(tests .. "lua/make_zeros.lua"), "@make_zeros", "t"))
local expected = json.list {}
-- The largest allowed difference of a log probability. gelu: llama.cpp looks GELU up in a table of float16 (ggml, vec.h).
local exact <const>, gelu <const>, rounded <const>, outliers <const> = 1e-3, 2e-2, 1.5, 3

-- Saves the model twice: in its quantized form, and with its dequantized weights in float32. With float32 weights
-- llama.cpp computes as we do; with quantized blocks it rounds the inputs of products. tolerance: for the quantized form.
local function write(name, q, ids, tolerance)
   local row = json.list(q:logits(ids):row(#ids):tolist())
   local folder = root .. "/" .. name
   q:save(folder, { format = "gguf" })
   expected[#expected + 1] = { file = folder .. "/model.gguf", ids = json.list(ids), logits = row, tolerance = tolerance or rounded }
   assay.load(folder .. "/model.gguf"):quantize(assay.method.none {}):save(folder .. "-f32", { format = "gguf", config = { float_type = "F32" } })
   expected[#expected + 1] = { file = folder .. "-f32/model.gguf", ids = json.list(ids), logits = row,
                               tolerance = name:find "gemma" and gelu or exact }
end

local families = { "llama-gqa-untied", "llama-linear-rope-sharded", "llama3-rope-biases-tied", "mistral-no-window", "qwen2-tied",
                   "qwen3-qk-norm-tied", "gemma3-pattern-untied", "gemma2-caps-tied", "qwen3-yarn", "olmo2-untied", "granite-factors-tied", "smollm3-interval-tied" }
for _, name in ipairs(families) do
   local folder, ids = root .. "/subject-" .. name, {}
   make(folder)
   for _, file in ipairs(fs.list(tests .. "golden/models/" .. name)) do
      if file ~= "golden.safetensors" then fs.write(folder .. "/" .. file, fs.read(tests .. "golden/models/" .. name .. "/" .. file)) end
   end
   if fs.kind(folder .. "/model.safetensors.index.json") then fs.remove_all(folder .. "/model.safetensors") end
   local config = json.decode(fs.read(folder .. "/config.json"))
   if name:find "llama3" then -- GGUF files hold only the RoPE scaling of the released Llama 3 models
      config.rope_parameters.original_max_position_embeddings, config.rope_parameters.rope_theta = 8192, 500000.0
   end
   if name:find "smollm3" then config.no_rope_layer_interval, config.no_rope_layers = 4, json.list { 1, 1, 1, 0 } end
   if name:find "gemma" then config.query_pre_attn_scalar = config.head_dim end -- what llama.cpp assumes
   fs.write(folder .. "/config.json", json.encode(config))
   for i = 1, 40 do ids[i] = i * 7 % 96 end
   write(name, assay.load(folder):quantize(assay.method.rtn { bits = 8, group = 32, keep = { "lm_head", "mlp.down" } }), ids)
end

local smollm2 = assay.load "smollm2-135m-instruct"
local capital = smollm2:encode "The capital of France is"
write("smollm2", smollm2:quantize(assay.method.rtn { bits = 4, group = 32 }), capital)
-- Mixtures: down_proj, whose rows have 1536 columns, gets blocks of 256. Their bytes are compared with llama.cpp's own in unit tests. For
-- these blocks llama.cpp rounds 256 inputs with one scale, and single inputs of down_proj are far larger than the others.
for _, name in ipairs { "q2_k", "q3_k_m", "q5_k_m", "q6_k", "iq4_xs" } do
   local q = smollm2:quantize(assay.method[name] { search = "reference", feedback = false })
   q:save(root .. "/" .. name, { format = "gguf" })
   expected[#expected + 1] = { file = root .. "/" .. name .. "/model.gguf", ids = json.list(capital), tolerance = outliers,
                               logits = json.list(q:logits(capital):row(#capital):tolist()) }
end
write("q4_k_m", smollm2:quantize(assay.method.q4_k_m { search = "reference", feedback = false }), capital, outliers)

local texts = { "Hello world", " two  spaces\n\n and 123456 digits", "don't WE'RE it's", "Zürich, 東京 🙂 и так", "x\t= 3.14; // ok\r\n",
                "<s>a</s> b <|im_start|>user<|im_end|>\n<|begin_of_text|>c" }
local function tokens(file, model)
   local cases = json.list {}
   for _, text in ipairs(texts) do
      cases[#cases + 1] = { text = text, ids = json.list(model:encode(text, { special = true })) }
   end
   expected[#expected + 1] = { file = file, tokens = cases }
end
tokens(root .. "/smollm2/model.gguf", smollm2)
for _, name in ipairs { "gpt2", "smollm2", "qwen", "llama3", "sentencepiece" } do
   local folder = root .. "/tokenizer-" .. name
   make_zeros(folder .. "-subject", name)
   local model = assay.load(folder .. "-subject")
   model:quantize(assay.method.none {}):save(folder, { format = "gguf" })
   tokens(folder .. "/model.gguf", model)
end
fs.write(root .. "/expected.json", json.encode(expected))
