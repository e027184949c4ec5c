// Writes a random Llama model of 2 blocks to a temporary folder, which is removed at the end of the test.
// The model is small enough to quantize in milliseconds; what it computes has no meaning.
#pragma once

#include <ATen/core/grad_mode.h>

#include <filesystem>
#include <random>
#include <string>

#include "aten.hpp"
#include "checkpoint/checkpoint.hpp"
#include "checkpoint/safetensors.hpp"
#include "core/file.hpp"
#include "core/json.hpp"
#include "model/decoder.hpp"

namespace quant_test {

class temporary_folder {
 public:
  temporary_folder() {
    std::random_device device;
    path_ = std::filesystem::temp_directory_path() / ("assay_quant_" + std::to_string(device()));
    std::filesystem::create_directories(path_);
  }
  ~temporary_folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  temporary_folder(const temporary_folder &) = delete;
  std::string operator/(const std::string &name) const { return (path_ / name).string(); }

 private:
  std::filesystem::path path_;
};

inline assay::json tiny_config(bool tied = true) {
  return {{"architectures", {"LlamaForCausalLM"}},
          {"model_type", "llama"},
          {"hidden_size", 64},
          {"intermediate_size", 128},
          {"num_hidden_layers", 2},
          {"num_attention_heads", 4},
          {"num_key_value_heads", 2},
          {"head_dim", 16},
          {"vocab_size", 96},
          {"max_position_embeddings", 256},
          {"rms_norm_eps", 1e-5},
          {"rope_theta", 10000.0},
          {"hidden_act", "silu"},
          {"tie_word_embeddings", tied},
          {"torch_dtype", "float32"}};
}

// Writes the model to `root`/`name` and returns that path. `tied`: the head uses the weights of the embedding.
inline std::string write_tiny_model(const temporary_folder &root, const std::string &name = "tiny",
                                    bool tied = true) {
  const std::string folder = root / name;
  std::filesystem::create_directories(folder);
  auto generator = at::detail::createCPUGenerator(5);
  const auto random = [&](std::vector<int64_t> shape, double scale) {
    return at::randn(shape, generator, at::kFloat) * scale;
  };
  assay::model::named_tensors tensors = {{"model.embed_tokens.weight", random({96, 64}, 1.0)},
                                         {"model.norm.weight", random({64}, 0.1) + 1}};
  if (!tied) tensors.emplace_back("lm_head.weight", random({96, 64}, 0.1));
  const std::vector<std::pair<std::string, std::vector<int64_t>>> linears = {
      {"self_attn.q_proj", {64, 64}}, {"self_attn.k_proj", {32, 64}},
      {"self_attn.v_proj", {32, 64}}, {"self_attn.o_proj", {64, 64}},
      {"mlp.gate_proj", {128, 64}},   {"mlp.up_proj", {128, 64}},
      {"mlp.down_proj", {64, 128}}};
  for (int layer = 0; layer < 2; ++layer) {
    const std::string prefix = "model.layers." + std::to_string(layer) + ".";
    tensors.emplace_back(prefix + "input_layernorm.weight", random({64}, 0.1) + 1);
    tensors.emplace_back(prefix + "post_attention_layernorm.weight", random({64}, 0.1) + 1);
    for (const auto &[linear, shape] : linears)
      tensors.emplace_back(prefix + linear + ".weight", random(shape, 0.15));
  }
  assay::model::write_safetensors_folder(folder, tensors);
  assay::write_file_atomically(folder + "/config.json", tiny_config(tied).dump(2) + "\n");
  assay::write_file_atomically(folder + "/tokenizer.json", "{\"version\": \"1.0\"}\n");
  assay::write_file_atomically(folder + "/README.md", "the subject's own card\n");
  return folder;
}

// Random token ids [rows, tokens] of the tiny vocabulary.
inline at::Tensor tiny_ids(int64_t rows = 2, int64_t tokens = 24, uint64_t seed = 3) {
  auto generator = at::detail::createCPUGenerator(seed);
  return at::randint(0, 96, {rows, tokens}, generator, at::kLong);
}

inline at::Tensor logits_of(const assay::model::decoder &decoder) {
  at::NoGradGuard no_grad;
  return decoder.logits(decoder.hidden(tiny_ids()));
}

}  // namespace quant_test
