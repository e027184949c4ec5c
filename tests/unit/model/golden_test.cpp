// Tests that the logits of tiny random models of every family agree with transformers
// (tests/golden/make_model_goldens.py).

#include <filesystem>

#include "aten.hpp"
#include "catch.hpp"
#include "checkpoint/safetensors.hpp"
#include "model/decoder.hpp"
#include "scratch_folder.hpp"

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

TEST_CASE(
    "fp32 logits of every family and option agree with those of transformers with eager "
    "attention") {
  REQUIRE(golden_models().size() >= 12);
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
    "with a cache, prefill in pieces and greedy tokens give what transformers gives without a "
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

// Transformers' eager attention rounds its scores to bfloat16, LibTorch's kernel does not, so the logits
// differ a little. The measure is the distance between transformers' own logits in bfloat16 and in fp32. Our
// logits must be less than 1.6 times this distance from either of them.
TEST_CASE("bfloat16 logits of every family are about as close to fp32 as those of transformers") {
  for (const std::string &name : golden_models()) {
    INFO(name);
    const auto golden = open_safetensors_file(k_models + name + "/golden.safetensors");
    load_options options;
    options.dtype = at::kBFloat16;
    const decoder model = decoder::load(*checkpoint::open(k_models + name), options);
    const at::Tensor logits = model.logits(model.hidden(golden->tensor("ids")));
    const at::Tensor exact = golden->tensor("logits"),
                     rounded = golden->tensor("logits_bf16").to(at::kFloat);
    CHECK(logits.scalar_type() == at::kFloat);
    const auto rms = [&](const at::Tensor &difference) {
      return (difference.norm() / exact.norm()).item<double>();
    };
    const double cost = rms(rounded - exact);
    INFO("transformers to fp32 " << cost << ", ours " << rms(logits - exact) << ", between them "
                                 << rms(logits - rounded));
    CHECK(rms(logits - exact) < 1.6 * cost);
    CHECK(rms(logits - rounded) < 1.6 * cost);
  }
}

TEST_CASE("weights stored as F64, F8_E4M3 or F8_E5M2 are used as the values that they hold") {
  const std::string name = "llama-gqa-untied";
  const auto golden = open_safetensors_file(k_models + name + "/golden.safetensors");
  const auto original = open_safetensors_file(k_models + name + "/model.safetensors");
  for (const at::ScalarType stored : {at::kDouble, at::kFloat8_e4m3fn, at::kFloat8_e5m2}) {
    INFO(c10::toString(stored));
    const scratch_folder folder;
    named_tensors as_stored, as_read;
    for (const tensor_info &info : original->tensors()) {
      as_stored.emplace_back(info.name, original->tensor(info.name).to(stored));
      as_read.emplace_back(info.name, as_stored.back().second.to(at::kFloat));
    }
    const auto logits = [&](const char *sub, const named_tensors &tensors) {
      const auto path = folder.path / sub;
      std::filesystem::create_directory(path);
      std::filesystem::copy_file(k_models + name + "/config.json", path / "config.json");
      write_safetensors((path / "model.safetensors").string(), tensors);
      const decoder model = decoder::load(*checkpoint::open(path.string()));
      return model.logits(model.hidden(golden->tensor("ids")));
    };
    const at::Tensor ours = logits("stored", as_stored);
    CHECK(ours.equal(logits("read", as_read)));
    if (stored == at::kDouble) CHECK(relative_error(ours, golden->tensor("logits")) < 2e-5);
  }
}
