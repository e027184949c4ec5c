-- Tests that quantized models become GGUF files (the exporter gguf) and come back: the weights bit for bit, the same tokens and templates.
-- What a file cannot hold is refused by name.
local assay = require "assay"
local native = require "assay.native"
local fs, json = native.fs, native.json
local rtn = assay.method.rtn

local root, golden = "build/test-gguf", "tests/golden/models/"
local make = assert(load(fs.read "tests/lua/make_tiny.lua", "@make_tiny", "t"))
local make_zeros = assert(load(fs.read "tests/lua/make_zeros.lua", "@make_zeros", "t"))
fs.remove_all(root)
make(root .. "/tiny")
local down = { "lm_head", "mlp.down" } -- mlp.down has rows of 48 weights, which is no multiple of 32

-- Copies a golden model, with the tiny model's tokenizer. edit(config) may change its config.json.
local function subject(name, edit)
   local folder = root .. "/" .. name
   make(folder)
   for _, file in ipairs(fs.list(golden .. name)) do
      if file ~= "golden.safetensors" then fs.write(folder .. "/" .. file, fs.read(golden .. name .. "/" .. file)) end
   end
   if fs.kind(folder .. "/model.safetensors.index.json") then fs.remove_all(folder .. "/model.safetensors") end
   local config = json.decode(fs.read(folder .. "/config.json"))
   if edit then edit(config) end
   fs.write(folder .. "/config.json", json.encode(config))
   return assay.load(folder)
end

-- Saves `q` as GGUF and loads the file twice: dequantized and packed. Returns the dequantized model, the largest
-- difference of its logits from those of `q` over n tokens, and the formats of the packed model.
local function written(q, name, config, n)
   local folder, ids = root .. "/out-" .. name, {}
   for i = 1, n or 40 do ids[i] = i * 7 % 96 end
   q:save(folder, { format = "gguf", config = config, replace = true })
   local read, packed = assay.load(folder .. "/model.gguf"), assay.load(folder .. "/model.gguf", { runtime = "packed" })
   local logits = read:logits(ids)
   assert.is_true(logits:max_difference(packed:logits(ids)) < 2e-5)
   return read, (q:logits(ids):max_difference(logits)), packed:info().packed.formats
end

local tiny = assay.load(root .. "/tiny")

describe("a GGUF file", function()
   local wider = { fit = "wider" }
   local cases = {
      { "Q4_0", rtn { bits = 4, group = 32, keep = down } }, { "Q4_0", rtn { bits = 4, group = -1, keep = down } },
      { "Q5_0", rtn { bits = 5, group = 32, keep = down } }, { "Q8_0", rtn { bits = 8, group = 32, keep = down } },
      { "Q4_0", rtn { bits = 3, group = 32, keep = down }, wider },
      { "Q4_0", rtn { bits = 2, group = 32, symmetric = false, keep = down }, wider },
      { "Q5_0", rtn { bits = 4, group = 32, symmetric = false, keep = down }, wider },
      { "Q8_0", rtn { bits = 6, group = 32, keep = down }, wider },
      { "Q8_0", rtn { bits = 7, group = 32, symmetric = false, keep = down }, wider },
      { "Q8_0", rtn { bits = 8, group = 32, keep = { "mlp.down" } } },
      { "F32", assay.method.none {} },
   }
   for number, case in ipairs(cases) do
      local stored, recipe, config = table.unpack(case)
      it(("holds the weights of case %d in %s, bit for bit"):format(number, stored), function()
         local read, difference, formats = written(tiny:quantize(recipe), "case" .. number, config)
         assert.equal(0.0, difference)
         assert.is_true(formats[stored].linears >= 5)
         assert.equal(tiny:chat { { role = "user", content = "hi" } }, read:chat { { role = "user", content = "hi" } })
      end)
   end
   it("has rounded minima only if that is asked for", function()
      local q = tiny:quantize(rtn { bits = 4, group = 32, symmetric = false, keep = down })
      local _, difference, formats = written(q, "rounded", { fit = "rounded" })
      assert.is_true(difference > 0 and difference < 0.05, difference)
      assert.is_true(formats.Q4_1.linears == 18)
   end)
   it("holds floats in the type that is asked for", function()
      local _, exact = written(subject "qwen2-tied":quantize(assay.method.none {}), "wide", { float_type = "F32" })
      assert.equal(0.0, exact)
      local _, difference, formats = written(tiny:quantize(assay.method.none {}), "half", { float_type = "F16" })
      assert.is_true(difference > 0 and difference < 0.05, difference)
      assert.is_true(formats.F16.linears > 0 and formats.F32 == nil)
   end)
   -- For each family the number of tokens to compare. Beyond a sliding window the GGUF file gives other logits, so its
   -- context length is that of the window.
   local families = { ["llama-linear-rope-sharded"] = 40, ["mistral-no-window"] = 40, ["mistral-short-window"] = 5, ["qwen2-tied"] = 40,
                      ["qwen2-window"] = 6, ["qwen3-qk-norm-tied"] = 40, ["qwen3-long-window"] = 40, ["qwen3-yarn"] = 40,
                      ["llama-dynamic-rope"] = 40 }
   for name, n in pairs(families) do
      it("holds the family of " .. name, function()
         local m = subject(name)
         local q = m:quantize(rtn { bits = 4, group = 32, keep = { "lm_head", "mlp.down", n == 5 and "attn.o" or nil } })
         local _, difference, formats = written(q, name, nil, n)
         assert.equal(0.0, difference)
         assert.is_true(formats.Q4_0.linears >= 12)
      end)
   end
   it("holds OLMo 2, Granite with its factors, and SmolLM3", function()
      local with = { ["olmo2-untied"] = { keep = down, least = 15 }, ["granite-factors-tied"] = { keep = down, least = 15 },
                     ["smollm3-interval-tied"] = { keep = down, least = 20 } }
      for name, wanted in pairs(with) do
         local m = subject(name, function(config)
            if name:find "smollm3" then
               config.no_rope_layer_interval, config.no_rope_layers = 4, json.list { 1, 1, 1, 0 }
            end
         end)
         local _, difference, formats = written(m:quantize(rtn { bits = 4, group = 32, keep = wanted.keep }), name)
         assert.equal(0.0, difference, name)
         assert.is_true(formats.Q4_0.linears >= wanted.least, name)
      end
   end)
   it("holds biases, a tied head and the RoPE of Llama 3", function()
      local m = subject("llama3-rope-biases-tied", function(config)
         config.rope_parameters.original_max_position_embeddings = 8192
         config.rope_parameters.rope_theta = 500000.0
      end)
      local _, difference = written(m:quantize(rtn { bits = 4, group = 32, keep = down }), "llama3")
      assert.equal(0.0, difference)
   end)
end)

describe("a model that no GGUF file holds", function()
   local folder = root .. "/refused"
   -- Saving must fail with a message that contains `expected` (the linear or key, and the reason), and leave no folder.
   local function refused(expected, m, recipe, config)
      local ok, problem = pcall(function() m:quantize(recipe):save(folder, { format = "gguf", config = config }) end)
      assert.is_true(not ok and tostring(problem):find(expected, 1, true) ~= nil, tostring(problem))
      assert.is_true(fs.kind(folder) == nil)
   end
   local q = "model.layers.0.self_attn.q_proj: "
   it("is refused with the linear and the reason", function()
      refused(q .. "a block has 32 weights with one scale: groups of 16 are no multiple of 32", tiny,
              rtn { bits = 4, group = 16 })
      refused("mlp.down_proj: a block has 32 weights of one row: rows of 48 are no multiple of 32", tiny, rtn { bits = 4, group = 32 })
      refused(q .. "no block has just this grid of 3 bits, symmetric: set fit = \"wider\" to store it in Q4_0", tiny,
              rtn { bits = 3, group = 32, keep = down })
      refused("or fit = \"rounded\" for Q4_1, which rounds the minimum", tiny,
              rtn { bits = 4, group = 32, symmetric = false, keep = down })
      refused(q .. "no block holds an asymmetric grid of 8 bits", tiny, rtn { bits = 8, group = 32, symmetric = false, keep = down },
              { fit = "wider" })
      refused(q .. "GGUF blocks hold integer grids, not codebook/1", tiny, assay.method.nf4 { keep = down })
      refused(q .. "GGUF blocks hold integer grids, not float/1", tiny, assay.method.fp8 { keep = down })
   end)
   it("is refused with its family", function()
      refused("GGUF files of the family 'seed_oss' are not written", subject "seed_oss-biases", assay.method.none {})
      refused("config.json: a GGUF file cannot say the YaRN option 'mscale'", subject "llama-yarn-options", assay.method.none {})
      refused("config.json: llama.cpp's llama has no RoPE of the type 'longrope'", subject "llama-longrope", assay.method.none {})
      refused("self_attn.o_proj.bias: llama.cpp's smollm3 has no bias here", subject "smollm3-some-rope", assay.method.none {})
      refused("config.json: llama.cpp's smollm3 leaves RoPE out in every fourth layer", subject "smollm3-interval-tied", assay.method.none {})
      refused("self_attn.o_proj.bias: llama.cpp's qwen3 has no bias here", subject "qwen3-bias-window", assay.method.none {})
   end)
end)

-- A model with a tokenizer of tests/golden/tokenizers, ready to be saved.
local function with_tokenizer(name, settings)
   local folder = root .. "/tok-" .. name
   make_zeros(folder, name, settings)
   return assay.load(folder):quantize(assay.method.none {})
end

describe("a GGUF file's tokenizer", function()
   local texts = { "Hello world", " two  spaces\n\n and 123456 digits", "don't WE'RE it's", "Zürich, 東京 🙂 и так", "x\t= 3.14; // ok\r\n", "",
                   "<s>a</s> <|im_start|>user<|im_end|>", "e\u{301} \u{e9}" }
   for name, pre in pairs { gpt2 = "gpt-2", smollm2 = "smollm", qwen = "qwen2", llama3 = "llama-bpe",
                            sentencepiece = "stored with scores" } do
      it("gives the same ids for " .. name .. ", which is " .. pre, function()
         local q = with_tokenizer(name)
         local read = written(q, "tok-" .. name)
         for _, text in ipairs(texts) do
            for _, how in ipairs { {}, { special = true }, { start = true } } do
               assert.same(q:encode(text, how), read:encode(text, how))
            end
            assert.equal(q:decode(q:encode(text)), read:decode(read:encode(text)))
         end
         read:quantize(assay.method.none {}):save(root .. "/again-" .. name, { format = "gguf" })
         assert.is_true(fs.read(root .. "/again-" .. name .. "/model.gguf") == fs.read(root .. "/out-tok-" .. name .. "/model.gguf"))
      end)
   end
   it("is refused where llama.cpp would read it in another way", function()
      local refusals = {
         mistral = "tokenizer.json: a SentencePiece model with a pre-tokenizer Metaspace puts its first space elsewhere than llama.cpp",
         deepseek = "tokenizer.json: llama.cpp has no name for this pre-tokenizer",
         falcon = "tokenizer.json: llama.cpp has no name for this pre-tokenizer with a step Punctuation",
         newer = "tokenizer.json: llama.cpp has no name for this pre-tokenizer; gpt-2, smollm, qwen2 and llama-bpe are known",
         roberta = "tokenizer.json: llama.cpp knows no lstrip, which the token '<mask>' asks for",
         llama2 = "tokenizer.json: the merges are not those of a SentencePiece model (some that make '▁it' are missing)",
      }
      for name, expected in pairs(refusals) do
         local folder = root .. "/out-" .. name
         local ok, problem = pcall(function() with_tokenizer(name):save(folder, { format = "gguf" }) end)
         assert.is_true(not ok and tostring(problem):find(expected, 1, true) ~= nil, name .. ": " .. tostring(problem))
         assert.is_true(fs.kind(folder) == nil)
      end
   end)
   it("has the chat templates and the tokens that end an answer", function()
      local q = with_tokenizer("llama3", { eos_token = "<|eot_id|>", chat_template = json.list {
         json.object { { "name", "default" }, { "template", "d{{ messages[0].content }}" } },
         json.object { { "name", "tool_use" }, { "template", "t" } } } })
      local read, hi = written(q, "templates"), { { role = "user", content = "hi" } }
      assert.equal("dhi", read:chat(hi))
      assert.equal("t", read:chat(hi, { tools = json.list { { type = "function" } } }))
   end)
end)
