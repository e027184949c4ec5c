// Tests the exporter gguf on the forms of kquant: llama.cpp's own bytes for its own quantization, and every type read back bit for bit.
#include "catch.hpp"

#include <cstring>

#include "checkpoint/gguf/gguf_blocks.hpp"
#include "core/error.hpp"
#include "core/file.hpp"
#include "quant/export/save.hpp"
#include "tiny_subject.hpp"

using assay::json;
using namespace assay::quant;
using namespace quant_test;

namespace {

constexpr const char *k_gate = "model.layers.0.mlp.gate_proj";
const std::vector<std::string> k_types = {"Q2_K",   "Q3_K", "Q4_K", "Q5_K", "Q6_K", "IQ4_NL",
                                          "IQ4_XS", "Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0"};

// A model whose rows have 256 or 512 columns, except those of o, which have 64. The first rows of its first gate are the golden weights.
struct wide_subject {
  temporary_folder root;
  std::shared_ptr<const assay::model::tensor_source> golden = assay::model::open_safetensors_file(
      std::string(ASSAY_SOURCE_DIR) + "/tests/golden/quant/blocks.safetensors");
  std::shared_ptr<assay::model::checkpoint> checkpoint;
  std::unique_ptr<assay::model::decoder> decoder;

  wide_subject() {
    use_plugins();
    const std::string folder = root / "wide";
    std::filesystem::create_directories(folder);
    auto generator = at::detail::createCPUGenerator(5);
    const auto random = [&](std::vector<int64_t> shape, double scale) {
      return at::randn(shape, generator, at::kFloat) * scale;
    };
    at::Tensor gate = random({256, 512}, 0.05);
    const at::Tensor first = golden->tensor("weight");
    gate.narrow(0, 0, first.size(0)).copy_(first);
    const std::string layer = "model.layers.0.";
    assay::model::named_tensors tensors = {
        {"model.embed_tokens.weight", random({96, 512}, 1)},
        {"model.norm.weight", random({512}, 0.1) + 1},
        {layer + "input_layernorm.weight", random({512}, 0.1) + 1},
        {layer + "post_attention_layernorm.weight", random({512}, 0.1) + 1},
        {layer + "self_attn.q_proj.weight", random({64, 512}, 0.05)},
        {layer + "self_attn.k_proj.weight", random({32, 512}, 0.05)},
        {layer + "self_attn.v_proj.weight", random({32, 512}, 0.05)},
        {layer + "self_attn.o_proj.weight", random({512, 64}, 0.1)},
        {layer + "mlp.gate_proj.weight", gate},
        {layer + "mlp.up_proj.weight", random({256, 512}, 0.05)},
        {layer + "mlp.down_proj.weight", random({512, 256}, 0.05)}};
    json config = tiny_config();
    config["hidden_size"] = 512;
    config["intermediate_size"] = 256;
    config["num_hidden_layers"] = 1;
    assay::model::write_safetensors_folder(folder, tensors);
    assay::write_file_atomically(folder + "/config.json", config.dump(2));
    json vocab = json::object();
    for (int i = 0; i < 94; ++i) vocab[std::string(1, static_cast<char>(33 + i))] = i;
    const json splitter = {{"type", "ByteLevel"}, {"add_prefix_space", false}, {"use_regex", true}};
    const json tokenizer = {
        {"added_tokens", json::array()},
        {"normalizer", nullptr},
        {"pre_tokenizer", splitter},
        {"model", {{"type", "BPE"}, {"vocab", vocab}, {"merges", json::array()}}}};
    assay::write_file_atomically(folder + "/tokenizer.json", tokenizer.dump());
    checkpoint = assay::model::checkpoint::open(folder);
    decoder = std::make_unique<assay::model::decoder>(assay::model::decoder::load(*checkpoint));
  }

  // kquant with the reference search; the tied embedding and head too.
  quantized_model run(const std::string &type) const {
    const json choice = {
        {"id", "kquant"},
        {"config", {{"type", type}, {"search", "reference"}, {"feedback", false}}}};
    const json recipe = {{"quantizer", choice}, {"embeddings", true}, {"keep", json::array()}};
    CHECK(cannot_hold(recipe::from_json(recipe), *checkpoint, "gguf", json::object()).empty());
    return quantize(*checkpoint, *decoder, recipe::from_json(recipe), nullptr);
  }
  std::shared_ptr<assay::model::checkpoint> written(const quantized_model &q) const {
    save(q, *checkpoint, root / "out", {"gguf", json::object(), true});
    return assay::model::checkpoint::open(root / "out/model.gguf");
  }
};

}  // namespace

TEST_CASE("blocks have llama.cpp's own bytes, and come back bit for bit", "[gguf_blocks_test]") {
  const wide_subject m;
  for (const auto &type : k_types) {
    INFO(type);
    const auto q = m.run(type);
    const auto file = m.written(q);
    const auto blocks = file->tensors().blocks(std::string(k_gate) + ".weight");
    REQUIRE(blocks.format != nullptr);
    CHECK(std::string(blocks.format->name) == type);
    const at::Tensor expected = m.golden->tensor(type + ".plain").contiguous();
    const auto *bytes = expected.const_data_ptr<uint8_t>();
    const int64_t size = blocks.format->block_bytes;
    int64_t different = 0;
    for (int64_t b = 0; b < expected.numel() / size; ++b)
      different += static_cast<int64_t>(
          std::memcmp(bytes + b * size, blocks.bytes + b * size, static_cast<size_t>(size)) != 0);
    CHECK(different == 0);
    CHECK(at::equal(logits_of(assay::model::decoder::load(*file)), logits_of(q.decoder)));
  }
}

TEST_CASE("rows that are no multiple of 256 get the type that llama-quantize gives them",
          "[gguf_blocks_test]") {
  const wide_subject m;
  const std::pair<const char *, const char *> all[] = {{"Q2_K", "Q4_0"}, {"Q3_K", "Q4_0"},
                                                       {"Q4_K", "Q5_0"}, {"Q5_K", "Q5_1"},
                                                       {"Q6_K", "Q8_0"}, {"IQ4_XS", "IQ4_NL"}};
  for (const auto &[asked, narrow] : all) {
    const auto q = m.run(asked);
    const std::string name = "model.layers.0.self_attn.o_proj";
    CHECK(q.forms.at(name).note["block"] == narrow);
    CHECK(q.forms.at(name).note["asked"] == asked);
    CHECK(m.written(q)->tensors().find(name + ".weight")->stored == narrow);
    const auto events = q.incidents.entries();
    CHECK(std::any_of(events.begin(), events.end(), [&](const auto &event) {
      return event.kind == "narrow_rows" && event.where == name;
    }));
  }
}
