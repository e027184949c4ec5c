// Logits of tiny random models of every family agree with transformers
// (tests/golden/make_model_goldens.py).
#include <ATen/ATen.h>

#include <filesystem>

#include "catch.hpp"
#include "model/decoder.hpp"
#include "model/safetensors.hpp"

using namespace assay::model;

namespace {

const std::string k_models = std::string(ASSAY_SOURCE_DIR) + "/tests/golden/models/";

double relative_error(const at::Tensor &ours, const at::Tensor &reference) {
  return ((ours - reference).abs().max() / reference.abs().max()).item<double>();
}

std::vector<std::string> golden_models() {
  std::vector<std::string> names;
  for (const auto &item : std::filesystem::directory_iterator(k_models))
    if (item.is_directory()) names.push_back(item.path().filename().string());
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace

TEST_CASE("fp32 logits of every family and option agree with transformers, eager attention") {
  REQUIRE(golden_models().size() >= 8);
  for (const std::string &name : golden_models()) {
    INFO(name);
    const auto golden = open_safetensors_file(k_models + name + "/golden.safetensors");
    const auto source = checkpoint::open(k_models + name);
    const decoder model = decoder::load(*source);
    const at::Tensor ids = golden->tensor("ids");
    CHECK(relative_error(model.logits(model.hidden(ids)), golden->tensor("logits")) < 2e-5);
  }
}

TEST_CASE(
    "the cache changes nothing: prefill in pieces, then greedy tokens as transformers without a "
    "cache") {
  for (const std::string &name : golden_models()) {
    INFO(name);
    const auto golden = open_safetensors_file(k_models + name + "/golden.safetensors");
    const decoder model = decoder::load(*checkpoint::open(k_models + name));
    const at::Tensor ids = golden->tensor("ids").narrow(0, 0, 1),
                     expected = golden->tensor("greedy");
    kv_cache cache(model.config(), 1, 40);
    at::Tensor pieces = at::cat(
        {model.hidden(ids.narrow(1, 0, 7), &cache), model.hidden(ids.narrow(1, 7, 1), &cache),
         model.hidden(ids.narrow(1, 8, 12), &cache)},
        1);
    CHECK(relative_error(model.logits(pieces), golden->tensor("logits").narrow(0, 0, 1)) < 2e-5);
    at::Tensor next = model.logits(pieces.select(1, 19)).argmax(-1, true);
    for (int64_t i = 0; i < expected.numel(); ++i) {
      CHECK(next.item<int64_t>() == expected[i].item<int64_t>());
      next = model.logits(model.hidden(next, &cache).select(1, 0)).argmax(-1, true);
    }
  }
}

TEST_CASE("bfloat16 computes close to fp32") {
  const std::string name = "qwen3-qk-norm-tied";
  const auto golden = open_safetensors_file(k_models + name + "/golden.safetensors");
  load_options options;
  options.dtype = at::kBFloat16;
  const decoder model = decoder::load(*checkpoint::open(k_models + name), options);
  const at::Tensor logits = model.logits(model.hidden(golden->tensor("ids")));
  CHECK(logits.scalar_type() == at::kFloat);
  CHECK(relative_error(logits, golden->tensor("logits")) < 0.05);
}
