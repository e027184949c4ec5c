-- Makes a tiny model that can chat: the random Llama of tests/golden/models/llama-gqa-untied with a tokenizer of single characters.
-- usage: assay run tests/lua/make_tiny.lua FOLDER [no-tokenizer]
local native = require "assay.native"
local fs, json = native.fs, native.json

local folder, without = ...
local golden = fs.scripts_folder() .. "/../tests/golden/models/llama-gqa-untied"
fs.mkdir(folder)
for _, name in ipairs { "config.json", "model.safetensors" } do
   fs.write(folder .. "/" .. name, assert(fs.read(golden .. "/" .. name)))
end
if without then return end

-- 96 tokens: newline and space, which byte-level tokenizers write as Ċ and Ġ, then the printable ASCII characters.
local vocabulary = json.object { { "Ċ", 0 }, { "Ġ", 1 } }
for byte = 33, 126 do vocabulary[string.char(byte)] = byte - 31 end
fs.write(folder .. "/tokenizer.json", json.encode(json.object {
   { "version", "1.0" }, { "added_tokens", json.list {} }, { "normalizer", json.null },
   { "pre_tokenizer", json.object { { "type", "ByteLevel" }, { "add_prefix_space", false },
                                    { "trim_offsets", true }, { "use_regex", true } } },
   { "post_processor", json.null },
   { "decoder", json.object { { "type", "ByteLevel" } } },
   { "model", json.object { { "type", "BPE" }, { "dropout", json.null }, { "unk_token", json.null },
                            { "fuse_unk", false }, { "byte_fallback", false },
                            { "vocab", vocabulary }, { "merges", json.list {} } } },
}))
fs.write(folder .. "/tokenizer_config.json", json.encode {
   chat_template = "{% for m in messages %}{{ m.content }}\n{% endfor %}",
})
