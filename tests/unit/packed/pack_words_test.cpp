// Tests weights that are packed straight from a file: the words of each format give the weights that its reader gives, and while a
// model is packed the process takes little more memory than the file.
#include <malloc.h>

#include <functional>

#include "catch.hpp"

#include "../checkpoint/gguf_bytes.hpp"
#include "checkpoint/compressed_tensors.hpp"
#include "checkpoint/gguf/gguf_checkpoint.hpp"
#include "checkpoint/gptq_awq.hpp"
#include "checkpoint/safetensors.hpp"
#include "core/resources.hpp"
#include "packed/pack_weight.hpp"
#include "scratch_folder.hpp"

using namespace assay;
using namespace assay::model;

namespace {

at::Tensor random_words(std::vector<int64_t> shape) {
  return at::randint(0, 256, {shape[0], shape[1] * 4}, at::kByte).view(at::kInt);
}

json compressed_config(const std::string &format, int bits, const json &group, bool symmetric) {
  const bool integer = format.starts_with("int") || format.starts_with("pack");
  const json weights = {{"num_bits", bits},
                        {"type", integer ? "int" : "float"},
                        {"symmetric", symmetric},
                        {"group_size", group}};
  return {{"quantization_config",
           {{"format", format},
            {"version", "0.17.0"},
            {"config_groups", {{"group_0", {{"targets", {"Linear"}}, {"weights", weights}}}}}}}};
}

json gptq_config(const char *method, int bits, int64_t group) {
  return {{"quantization_config",
           {{"quant_method", method}, {"bits", bits}, {"group_size", group}, {"sym", false}}}};
}

// A checkpoint with these tensors and no config of a model.
class bare_checkpoint : public checkpoint {
 public:
  bare_checkpoint(std::shared_ptr<const tensor_source> tensors,
                  std::shared_ptr<const tensor_source> raw) {
    path_ = "dir";
    tensors_ = std::move(tensors);
    raw_ = std::move(raw);
  }
  bool is_gguf() const override { return false; }
  tokenizer_files read_tokenizer() const override { return {}; }
  json chat_templates() const override { return {}; }
  json generation_config() const override { return {}; }
};

std::shared_ptr<const tensor_source> file_of(const scratch_folder &folder,
                                             const named_tensors &tensors) {
  write_safetensors(folder.file("x.safetensors"), tensors);
  return open_safetensors_file(folder.file("x.safetensors"));
}

at::Tensor all_rows(const packed_weight &weight) {
  return weight.unpacked();
}

// Whether the linear "m" is packed from its words, into the weights that the reader gives.
bool same(const quantized_source &source) {
  const code_words words = source.words("m");
  if (!words.held.defined()) return false;
  const packed_weight packed(pack_words(source.outline("m"), words), "x");
  return at::equal(all_rows(packed), source.read("m").dequantize());
}

}  // namespace

TEST_CASE("the words of a file give the weights that its reader gives") {
  constexpr int64_t k_rows = 37, k_columns = 192, k_groups = 6;
  const at::Tensor scale = (at::rand({k_rows, k_groups}) * 0.1 + 0.01).to(at::kBFloat16),
                   row_scale = at::rand({k_rows, 1}) + 0.1;
  const auto compressed = [](const named_tensors &tensors, const json &config) {
    const scratch_folder folder;
    return same(compressed_tensors_source(file_of(folder, tensors), config, "dir"));
  };
  for (const int bits : {2, 3, 4, 5, 6, 8}) {
    INFO(bits << " bits");
    named_tensors tensors = {{"m.weight_packed", random_words({k_rows, k_columns * bits / 32})},
                             {"m.weight_scale", scale},
                             {"m.weight_shape", at::tensor({k_rows, k_columns}, at::kLong)}};
    CHECK(compressed(tensors, compressed_config("pack-quantized", bits, 32, true)));
    tensors.emplace_back("m.weight_zero_point",
                         random_words({k_groups, (k_rows * bits + 31) / 32}).t().contiguous());
    CHECK(compressed(tensors, compressed_config("pack-quantized", bits, 32, false)));
  }
  const at::Tensor bytes = at::randint(0, 256, {k_rows, k_columns}, at::kByte);
  CHECK(compressed({{"m.weight", bytes.view(at::kChar)}, {"m.weight_scale", row_scale}},
                   compressed_config("int-quantized", 8, nullptr, true)));
  const at::Tensor eight = bytes.bitwise_and(0xbf);  // no code of NaN
  for (const auto type : {at::kFloat8_e4m3fn, at::kFloat8_e5m2})
    CHECK(compressed({{"m.weight", eight.view(type)}, {"m.weight_scale", row_scale}},
                     compressed_config("float-quantized", 8, nullptr, true)));
  const at::Tensor halves = bytes.narrow(1, 0, k_columns / 2).contiguous();
  CHECK(compressed({{"m.weight_packed", halves},
                    {"m.weight_scale", at::rand({k_rows, k_columns / 16}).to(at::kFloat8_e4m3fn)},
                    {"m.weight_global_scale", at::tensor({512.0f})}},
                   compressed_config("nvfp4-pack-quantized", 4, 16, true)));
  CHECK(compressed({{"m.weight_packed", halves},
                    {"m.weight_scale", at::randint(100, 130, {k_rows, k_columns / 32}, at::kByte)}},
                   compressed_config("mxfp4-pack-quantized", 4, 32, true)));
  for (const int bits : {2, 3, 4, 8}) {
    INFO("gptq, " << bits << " bits");
    const int64_t out = 64;
    const scratch_folder folder;
    const auto raw =
        file_of(folder, {{"m.qweight", random_words({k_columns * bits / 32, out})},
                         {"m.qzeros", random_words({k_groups, out * bits / 32})},
                         {"m.scales", (at::rand({k_groups, out}) * 0.1 + 0.01).to(at::kHalf)}});
    CHECK(same(gptq_awq_source(raw, gptq_config("gptq", bits, 32), "dir")));
  }
}

TEST_CASE("packing a model takes little more memory than its file", "[memory]") {
  constexpr int64_t k_width = 2048, k_linears = 24, k_groups = k_width / 64;
  using name_of = std::function<std::string(int64_t)>;
  const name_of name = [](int64_t i) { return "m" + std::to_string(i); };
  // Packs all linears of a file. Returns the growth of the process at the end and at its largest, less the weights.
  const auto overhead = [&](const checkpoint &source, const name_of &module) {
    ::malloc_trim(0);
    const auto before = static_cast<int64_t>(resident_bytes());
    const bool fresh = reset_peak_resident();
    std::vector<std::shared_ptr<const packed_weight>> kept;
    int64_t bytes = 0;
    for (int64_t i = 0; i < k_linears; ++i) {
      std::string told;
      kept.push_back(pack_weight(source, module(i), &told));
      CHECK(told.empty());
      bytes += kept.back()->bytes();
    }
    const int64_t peak = fresh ? static_cast<int64_t>(peak_resident_bytes()) : before + bytes;
    ::malloc_trim(0);
    const int64_t after = static_cast<int64_t>(resident_bytes());
    INFO("weights " << bytes << ", grown by " << after - before << ", at most " << peak - before);
    CHECK(after - before <= bytes * 11 / 10);
    CHECK(peak - before <= bytes * 11 / 10 + 12 * k_width * k_width);  // one linear on its way
  };
  const at::Tensor scale = at::rand({k_width, k_groups}).to(at::kHalf);
  {
    named_tensors tensors;
    for (int64_t i = 0; i < k_linears; ++i) {
      tensors.emplace_back(name(i) + ".weight_packed", random_words({k_width, k_width / 8}));
      tensors.emplace_back(name(i) + ".weight_scale", scale);
      tensors.emplace_back(name(i) + ".weight_shape", at::tensor({k_width, k_width}, at::kLong));
    }
    const scratch_folder folder;
    auto raw = file_of(folder, tensors);
    tensors.clear();
    const auto config = compressed_config("pack-quantized", 4, 64, true);
    overhead(bare_checkpoint(std::make_shared<compressed_tensors_source>(raw, config, "dir"), raw),
             name);
  }
  for (const char *method : {"gptq", "awq"}) {
    INFO(method);
    const bool awq = std::string(method) == "awq";
    named_tensors tensors;
    for (int64_t i = 0; i < k_linears; ++i) {
      tensors.emplace_back(name(i) + ".qweight", awq ? random_words({k_width, k_width / 8})
                                                     : random_words({k_width / 8, k_width}));
      tensors.emplace_back(name(i) + ".qzeros", random_words({k_groups, k_width / 8}));
      tensors.emplace_back(name(i) + ".scales", scale.t().contiguous());
    }
    const scratch_folder folder;
    auto raw = file_of(folder, tensors);
    tensors.clear();
    const auto config = gptq_config(method, 4, 64);
    overhead(bare_checkpoint(std::make_shared<gptq_awq_source>(raw, config, "dir"), raw), name);
  }
  const scratch_folder folder;
  std::string path;
  {
    gguf_bytes g = small_llama();
    const std::string block = std::string("\x12\x20", 2) + std::string(16, '\x5a');  // Q4_0
    std::string blocks;
    for (int64_t i = 0; i < k_width * k_width / 32; ++i) blocks += block;
    for (int64_t i = 0; i < k_linears; ++i)
      g.tensor("blk." + std::to_string(i) + ".ffn_up.weight", {k_width, k_width}, 2, blocks);
    path = folder.write("m.gguf", g.str());
  }
  overhead(*open_gguf_checkpoint(path),
           [](int64_t i) { return "model.layers." + std::to_string(i) + ".mlp.up_proj"; });
}
