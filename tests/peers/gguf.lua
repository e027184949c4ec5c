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

-- Saves the model, and once more with its dequantized weights in float32: with these llama.cpp computes as we do, while it rounds the
-- inputs of products with blocks.
local function write(name, q, ids)
   local row = json.list(q:logits(ids):row(#ids):tolist())
   local folder = root .. "/" .. name
   q:save(folder, { format = "gguf" })
   expected[#expected + 1] = { file = folder .. "/model.gguf", ids = json.list(ids), logits = row, rounded = true }
   assay.load(folder .. "/model.gguf"):quantize(assay.method.none {}):save(folder .. "-f32", { format = "gguf", config = { float_type = "F32" } })
   expected[#expected + 1] = { file = folder .. "-f32/model.gguf", ids = json.list(ids), logits = row,
                               gelu = name:find "gemma" ~= nil }
end

local families = { "llama-gqa-untied", "llama-linear-rope-sharded", "llama3-rope-biases-tied", "mistral-no-window", "qwen2-tied",
                   "qwen3-qk-norm-tied", "gemma3-pattern-untied", "gemma2-caps-tied" }
for _, name in ipairs(families) do
   local folder, ids = root .. "/subject-" .. name, {}
   make(folder)
   for _, file in ipairs(fs.list(tests .. "golden/models/" .. name)) do
      if file ~= "golden.safetensors" then fs.write(folder .. "/" .. file, fs.read(tests .. "golden/models/" .. name .. "/" .. file)) end
   end
   if fs.kind(folder .. "/model.safetensors.index.json") then fs.remove_all(folder .. "/model.safetensors") end
   local config = json.decode(fs.read(folder .. "/config.json"))
   if name:find "llama3" then -- the scaling that a GGUF file can say when it is read again
      config.rope_parameters.original_max_position_embeddings, config.rope_parameters.rope_theta = 8192, 500000.0
   end
   if name:find "gemma" then config.query_pre_attn_scalar = config.head_dim end -- what llama.cpp assumes
   fs.write(folder .. "/config.json", json.encode(config))
   for i = 1, 40 do ids[i] = i * 7 % 96 end
   write(name, assay.load(folder):quantize(assay.method.rtn { bits = 8, group = 32, keep = { "lm_head", "mlp.down" } }), ids)
end

local smollm2 = assay.load "smollm2-135m-instruct"
write("smollm2", smollm2:quantize(assay.method.rtn { bits = 4, group = 32 }), smollm2:encode "The capital of France is")

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
