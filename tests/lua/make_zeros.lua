-- Makes a Llama of zeros with 600 tokens, and gives it a tokenizer of tests/golden/tokenizers. The
-- model computes nothing of use.
-- usage: assay run tests/lua/make_zeros.lua FOLDER TOKENIZER
-- TOKENIZER is the name of a file in tests/golden/tokenizers without ".json", or "sentencepiece": the tokenizer of
-- llama2 with the merges that a SentencePiece model has. Lua code that calls this script may give the content of
-- tokenizer_config.json as a third argument.
local fail = require "assay.lib.fail"
local native = require "assay.native"
local fs, json = native.fs, native.json

local folder, name, settings = ...
local tests = fs.scripts_folder() .. "/../tests/"

-- Returns every way to make a token from two others: first for the tokens that the model's own merges make, in their
-- order, then for the other tokens of the vocabulary, sorted by text.
local function all_merges(model)
   local merges, done = json.list {}, {}
   local function add(token)
      if done[token] then return end
      done[token] = true
      for cut = 2, utf8.len(token) do
         local at = utf8.offset(token, cut)
         local left, right = token:sub(1, at - 1), token:sub(at)
         if model.vocab[left] and model.vocab[right] then merges[#merges + 1] = json.list { left, right } end
      end
   end
   for _, merge in ipairs(model.merges) do
      local token = type(merge) == "string" and merge:gsub(" ", "") or merge[1] .. merge[2]
      add(token)
   end
   for _, token in ipairs(fail.sorted_keys(model.vocab)) do add(token) end
   return merges
end

local function tokenizer()
   local file = name == "sentencepiece" and "llama2" or name
   local found = json.decode(assert(fs.read(tests .. "golden/tokenizers/" .. file .. ".json"))).tokenizer
   if type(found) == "string" then found = json.decode(found) end
   if name == "sentencepiece" then found.model.merges = all_merges(found.model) end
   return found
end

-- Returns the bytes of a safetensors file with these tensors, all of zeros.
local function zeros(tensors)
   local header, at = json.object {}, 0
   for _, tensor in ipairs(tensors) do
      local tensor_name, rows, columns = table.unpack(tensor)
      local n = 4 * rows * (columns or 1)
      header[tensor_name] = { dtype = "F32", shape = json.list { rows, columns }, data_offsets = json.list { at, at + n } }
      at = at + n
   end
   local text = json.encode(header)
   return string.pack("<I8", #text) .. text .. ("\0"):rep(at)
end

local config = json.decode(assert(fs.read(tests .. "golden/models/llama-gqa-untied/config.json")))
config.vocab_size, config.num_hidden_layers, config.tie_word_embeddings, config.intermediate_size = 600, 1, true, 32
local tensors = { { "model.embed_tokens.weight", 600, 32 }, { "model.norm.weight", 32 } }
for part, rows in pairs { ["self_attn.q_proj"] = 32, ["self_attn.k_proj"] = 16, ["self_attn.v_proj"] = 16, ["self_attn.o_proj"] = 32,
                          ["mlp.gate_proj"] = 32, ["mlp.up_proj"] = 32, ["mlp.down_proj"] = 32 } do
   tensors[#tensors + 1] = { "model.layers.0." .. part .. ".weight", rows, 32 }
end
for _, norm in ipairs { "input_layernorm", "post_attention_layernorm" } do
   tensors[#tensors + 1] = { "model.layers.0." .. norm .. ".weight", 32 }
end
fs.mkdir(folder)
fs.write(folder .. "/config.json", json.encode(config))
fs.write(folder .. "/model.safetensors", zeros(tensors))
fs.write(folder .. "/tokenizer.json", json.encode(tokenizer()))
fs.write(folder .. "/tokenizer_config.json", json.encode(settings or json.object {}))
