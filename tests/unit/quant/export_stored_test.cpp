// Tests the export of stored codes: a GGUF file with every type of block comes back with the same bytes, GPTQ and AWQ folders of other
// tools' kind are moved exactly, and codes without a place in the other format are refused by name.
#include "catch.hpp"

#include <filesystem>
#include <functional>
#include <random>

#include "../checkpoint/gguf_bytes.hpp"
#include "checkpoint/gguf/gguf_blocks.hpp"
#include "checkpoint/gguf/gguf_file.hpp"
#include "checkpoint/safetensors.hpp"
#include "core/error.hpp"
#include "core/file.hpp"
#include "quant/export/export_stored.hpp"
#include "quant/export/stored_forms.hpp"
#include "scratch_folder.hpp"
#include "tiny_subject.hpp"

using namespace assay;
using namespace assay::quant;
using assay_test::contains;

namespace {

constexpr int64_t k_width = 256, k_vocab = 96;

struct block_type {
  const char *name;
  std::vector<size_t> high_bytes;  // of the float16 numbers in a block
};

const block_type k_types[] = {
    {"Q4_0", {1}},      {"Q4_1", {1, 3}}, {"Q5_0", {1}},    {"Q5_1", {1, 3}}, {"Q8_0", {1}},
    {"Q2_K", {81, 83}}, {"Q3_K", {109}},  {"Q4_K", {1, 3}}, {"Q5_K", {1, 3}}, {"Q6_K", {209}},
    {"IQ4_NL", {1}},    {"IQ4_XS", {1}},  {"F16", {1}},     {"BF16", {1}}};

// Random blocks of a matrix. Their float16 numbers are small and finite.
std::string random_blocks(const block_type &type, int64_t rows, std::mt19937 &random) {
  const model::ggml_format &format = *model::find_ggml_format(std::string(type.name));
  const int64_t n = rows * k_width / format.block_elements;
  std::string bytes(static_cast<size_t>(n * format.block_bytes), '\0');
  for (char &byte : bytes) byte = static_cast<char>(random());
  for (int64_t block = 0; block < n; ++block)
    for (const size_t at : type.high_bytes) {
      char &high = bytes[static_cast<size_t>(block * format.block_bytes) + at];
      high = static_cast<char>((high & 0x83) | 0x20);
    }
  return bytes;
}

// A Llama of two layers whose linears have all types of blocks, and a head of its own.
std::string many_blocks() {
  std::mt19937 random(7);
  gguf_bytes g;
  g.add("general.architecture", "llama");
  for (const auto &[key, value] : {std::pair{"block_count", 2},
                                   {"context_length", 64},
                                   {"embedding_length", k_width},
                                   {"feed_forward_length", k_width},
                                   {"attention.head_count", 2},
                                   {"attention.head_count_kv", 2},
                                   {"vocab_size", k_vocab},
                                   {"rope.dimension_count", 128}})
    g.add(std::string("llama.") + key, static_cast<uint32_t>(value));
  g.add("llama.attention.layer_norm_rms_epsilon", 6, gguf_bytes::raw(1e-5f));
  g.add("llama.rope.freq_base", 6, gguf_bytes::raw(10000.0f));
  g.add("tokenizer.ggml.model", "gpt2").add("tokenizer.ggml.pre", "gpt-2");
  std::vector<std::string> tokens = {"Ċ", "Ġ"};
  for (int c = 33; c < 127; ++c) tokens.emplace_back(1, static_cast<char>(c));
  g.add_texts("tokenizer.ggml.tokens", tokens);
  g.add_ints("tokenizer.ggml.token_type", std::vector<int32_t>(k_vocab, 1));
  g.add_texts("tokenizer.ggml.merges", {"a b"});
  const auto matrix = [&](const std::string &name, const block_type &type, uint64_t rows) {
    const auto id = static_cast<uint32_t>(model::find_ggml_format(std::string(type.name))->type);
    g.tensor(name, {k_width, rows}, id, random_blocks(type, static_cast<int64_t>(rows), random));
  };
  std::string ones;
  for (int64_t i = 0; i < k_width; ++i) ones += gguf_bytes::raw(1.0f);
  matrix("token_embd.weight", k_types[9], k_vocab);
  matrix("output.weight", k_types[4], k_vocab);
  g.tensor("output_norm.weight", {k_width}, 0, ones);
  size_t next = 0;
  for (int layer = 0; layer < 2; ++layer) {
    const std::string block = "blk." + std::to_string(layer) + ".";
    for (const char *norm : {"attn_norm", "ffn_norm"})
      g.tensor(block + norm + ".weight", {k_width}, 0, ones);
    for (const char *part :
         {"attn_q", "attn_k", "attn_v", "attn_output", "ffn_gate", "ffn_up", "ffn_down"})
      matrix(block + part + ".weight", k_types[next++], k_width);
  }
  return g.str();
}

std::string bytes_of(const model::gguf_file &file, const model::gguf_tensor &tensor) {
  return {reinterpret_cast<const char *>(file.bytes_of(tensor)), tensor.n_bytes};
}

}  // namespace

TEST_CASE("a GGUF file with every type of block comes back with the same bytes",
          "[export_stored_test]") {
  quant_test::use_plugins();
  const scratch_folder folder;
  const std::string path = folder.write("m.gguf", many_blocks());
  const auto source = std::shared_ptr<const model::checkpoint>(model::checkpoint::open(path));
  const export_options options{{.format = "gguf"}, {}};
  CHECK(planned_export(source, options)["exporter"] == "gguf");
  export_stored(source, folder.file("out"), options);
  const auto before = model::gguf_file::open(path),
             after = model::gguf_file::open(folder.file("out/model.gguf"));
  std::map<std::string, const model::gguf_tensor *> written;
  for (const model::gguf_tensor &tensor : after->tensors()) written[tensor.name] = &tensor;
  CHECK(written.size() == before->tensors().size());
  for (const model::gguf_tensor &tensor : before->tensors()) {
    CAPTURE(tensor.name, tensor.type);
    REQUIRE(written.contains(tensor.name));
    CHECK(written[tensor.name]->type == tensor.type);
    CHECK(bytes_of(*after, *written[tensor.name]) == bytes_of(*before, tensor));
  }
}

TEST_CASE("blocks that a folder cannot hold are refused by name, and nothing is written",
          "[export_stored_test]") {
  quant_test::use_plugins();
  const scratch_folder folder;
  const std::string path = folder.write("m.gguf", many_blocks());
  const auto source = std::shared_ptr<const model::checkpoint>(model::checkpoint::open(path));
  const export_options options{{.format = "compressed-tensors"}, {"embed", "lm_head"}};
  CHECK_THROWS_WITH(export_stored(source, folder.file("out"), options),
                    contains("model.layers.0.self_attn.k_proj: the format holds integer grids"));
  CHECK(!std::filesystem::exists(folder.file("out")));
  const export_options all{{.format = "compressed-tensors"}, {}};
  CHECK_THROWS_WITH(planned_export(source, all),
                    contains("consumers read the head and the embedding as floats"));
}

TEST_CASE("a GPTQ folder whose codes no other format holds is refused by the linear's name",
          "[export_stored_test]") {
  const quant_test::tiny_subject m(4);
  const json config = {
      {"bits", 4}, {"group_size", 32}, {"symmetric", false}, {"scale_dtype", "float16"}};
  const auto q = m.run({{"quantizer", {{"id", "rtn"}, {"config", config}}}}, false);
  save(q, *m.checkpoint, m.root / "gptq", {.format = "gptq"});
  const std::string name = "model.layers.0.self_attn.q_proj";
  // Says why the folder is refused after the tensor `part` of one linear was changed; "" if it is not refused.
  const auto reason = [&](const std::string &part,
                          const std::function<void(at::Tensor &)> &change) {
    const std::string file = m.root / "gptq/model.safetensors", kept = m.root / "kept.safetensors";
    std::filesystem::copy_file(file, kept);
    model::named_tensors tensors;
    {
      const auto read = model::open_safetensors_file(kept);
      for (const model::tensor_info &info : read->tensors()) {
        at::Tensor tensor = read->tensor(info.name).clone();
        if (info.name == name + part) change(tensor);
        tensors.emplace_back(info.name, tensor);
      }
    }
    model::write_safetensors(file, tensors);
    std::string why;
    try {
      planned_export(
          std::shared_ptr<const model::checkpoint>(model::checkpoint::open(m.root / "gptq")),
          {{.format = "awq"}, {}});
    } catch (const error &e) {
      why = e.what();
    }
    std::filesystem::remove(file);
    std::filesystem::rename(kept, file);
    return why;
  };
  CHECK(reason(".scales", [](at::Tensor &) {}).empty());
  CHECK_THAT(reason(".g_idx", [](at::Tensor &index) { index = index.flip(0).contiguous(); }),
             contains(name + ": its groups follow the order of act-order"));
  CHECK_THAT(reason(".scales", [](at::Tensor &scales) { scales = scales.to(at::kFloat) * 1.001f; }),
             contains(name + ": a scale is no float16 number"));
}

TEST_CASE("a zero point beyond its codes, which GPTQ of version 1 can store, is refused",
          "[export_stored_test]") {
  model::stored_linear stored;
  stored.name = "m";
  stored.bits = 4;
  stored.codes = at::zeros({8, 32}, at::kChar);
  stored.scales = at::ones({8, 1}, at::kHalf);
  stored.zero_points = at::zeros({8, 1}, at::kShort);
  CHECK(why_not_moved(stored).empty());
  stored.zero_points[3][0] = 8;  // 16 before it was shifted down
  CHECK(why_not_moved(stored) == "a zero point lies outside the codes of 4 bits");
}
