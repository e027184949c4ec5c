// Tests that each format of the exporter compressed_tensors, and folders in the layouts of GPTQ and AWQ, are read back
// bit for bit, with the rounding of inputs and caches. What no program can load is refused with a reason.
#include "catch.hpp"

#include "core/error.hpp"
#include "quant/export/save.hpp"
#include "quant/schemes/scheme_files.hpp"
#include "tiny_subject.hpp"

using assay::json;
using namespace assay::quant;
using namespace quant_test;

namespace {

struct model_in_work : tiny_subject {
  model_in_work() : tiny_subject(4) {}
  std::vector<std::string> reasons(const json &recipe_json) const {
    return cannot_hold(recipe::from_json(recipe_json), *checkpoint, "compressed-tensors");
  }
};

json rtn(int bits, int group, bool symmetric = true) {
  return {{"id", "rtn"},
          {"config", {{"bits", bits}, {"group_size", group}, {"symmetric", symmetric}}}};
}

struct written {
  std::string format;
  json recipe;
};

std::vector<written> all_formats() {
  const json tensor = {{"strategy", "tensor"}}, fp8 = {{"type", "fp8"}};
  const json fp8_tensor = {{"type", "fp8"}, {"strategy", "tensor"}};
  return {
      {"float-quantized", {{"quantizer", "fp8"}}},
      {"float-quantized", {{"quantizer", "fp8"}, {"activation", fp8}}},
      {"float-quantized", {{"quantizer", "fp8"}, {"activation", fp8_tensor}}},
      {"nvfp4-pack-quantized", {{"quantizer", "nvfp4"}}},
      {"mxfp4-pack-quantized", {{"quantizer", "mxfp4"}}},
      {"int-quantized", {{"quantizer", rtn(8, -1)}, {"activation", {{"bits", 8}}}}},
      {"int-quantized", {{"quantizer", rtn(8, -1)}, {"activation", {{"symmetric", false}}}}},
      {"int-quantized", {{"quantizer", rtn(8, -1)}, {"activation", tensor}}},
      {"int-quantized",
       {{"quantizer", rtn(8, -1)}, {"activation", {{"strategy", "tensor"}, {"symmetric", false}}}}},
      {"int-quantized", {{"quantizer", rtn(4, 32)}, {"activation", {{"bits", 8}}}}},
      {"pack-quantized",
       {{"quantizer", rtn(4, 32)}, {"kv", {{"type", "fp8"}, {"strategy", "tensor"}}}}},
      {"pack-quantized",
       {{"quantizer", rtn(4, 32)}, {"kv", {{"type", "fp8"}, {"strategy", "head"}}}}}};
}

}  // namespace

TEST_CASE("every format is read back bit for bit, with the rounding of inputs and cache",
          "[export_formats_test]") {
  const model_in_work m;
  int index = 0;
  for (const auto &[format, what] : all_formats()) {
    CAPTURE(what.dump());
    const auto q = m.run(what);
    const auto folder = m.root / ("saved" + std::to_string(index++));
    CHECK(m.reasons(what).empty());
    save(q, *m.checkpoint, folder);
    const auto loaded = assay::model::checkpoint::open(folder);
    CHECK(loaded->config()["quantization_config"]["format"] == format);
    auto decoder = assay::model::decoder::load(*loaded);
    const json schemes = restore_schemes(decoder, *loaded);
    CHECK(schemes["activation"].is_null() == !what.contains("activation"));
    CHECK(schemes["kv"].is_null() == !what.contains("kv"));
    CHECK(at::equal(logits_of(decoder), logits_of(q.decoder)));
  }
}

TEST_CASE("gptq and awq folders come back bit for bit, with symmetric and asymmetric grids",
          "[export_formats_test]") {
  const model_in_work m;
  struct asked {
    const char *format;
    json quantizer;
    const char *layout;
  };
  const std::vector<asked> all = {
      {"gptq", rtn(4, 32), "gptq"},       {"gptq", rtn(8, -1), "gptq"},
      {"gptq", rtn(2, 16), "gptq"},       {"gptq", rtn(4, 32, false), "gptq_v2"},
      {"awq", rtn(4, 32, false), "gemm"}, {"awq", rtn(4, 32), "gemm"}};
  int index = 0;
  for (const auto &[format, quantizer, layout] : all) {
    CAPTURE(format, quantizer.dump());
    const auto q = m.run({{"quantizer", quantizer}});
    const auto folder = m.root / (std::string(format) + std::to_string(index++));
    save(q, *m.checkpoint, folder, {format, json::object(), false});
    const auto loaded = assay::model::checkpoint::open(folder);
    const json &stated = loaded->config()["quantization_config"];
    CHECK(stated["quant_method"] == format);
    CHECK(stated.value("checkpoint_format", stated.value("version", "")) == layout);
    CHECK(at::equal(logits_of(assay::model::decoder::load(*loaded)), logits_of(q.decoder)));
  }
  const auto why = [&](const char *format, const json &what) {
    return cannot_hold(recipe::from_json(what), *m.checkpoint, format).front();
  };
  using assay_test::contains;
  CHECK_THAT(why("awq", {{"quantizer", rtn(3, 32)}}), contains("awq holds 4 bits, not 3"));
  CHECK_THAT(why("gptq", {{"quantizer", rtn(4, 32)}, {"keep", {"lm_head", "mlp.down"}}}),
             contains("linears of blocks that stay in float are not written in this format"));
  CHECK(save(m.run({{"quantizer", rtn(4, 32)}}), *m.checkpoint, m.root / "auto")["format"] ==
        "compressed_tensors");
}

TEST_CASE("a model whose linears have two formats is saved and read back bit for bit",
          "[export_formats_test]") {
  const model_in_work m;
  auto q = m.run({{"quantizer", "fp8"}, {"keep", {"lm_head", "mlp.down"}}});
  const auto packed =
      m.run({{"quantizer", rtn(4, 32)}, {"keep", {"lm_head", "re:.*(q|k|v|o|gate|up)_proj"}}});
  for (const auto &[name, form] : packed.forms) {
    q.forms.emplace(name, form);
    q.order.push_back(name);
  }
  for (int64_t i = 0; i < 2; ++i) q.decoder.block(i).down = packed.decoder.block(i).down;
  save(q, *m.checkpoint, m.root / "mixed");
  const auto loaded = assay::model::checkpoint::open(m.root / "mixed");
  CHECK(loaded->config()["quantization_config"]["format"] == "mixed-precision");
  CHECK(at::equal(logits_of(assay::model::decoder::load(*loaded)), logits_of(q.decoder)));
}

// A consumer is a program that loads the folder, such as vLLM.
TEST_CASE("what a consumer cannot do is refused with the reason", "[export_formats_test]") {
  const model_in_work m;
  const auto first = [&](const json &what) {
    const auto found = m.reasons(what);
    return found.empty() ? std::string() : found.front();
  };
  using assay_test::contains;
  const json w8 = rtn(8, -1);
  CHECK_THAT(first({{"quantizer", w8}, {"activation", {{"bits", 4}}}}),
             contains("consumers round inputs to 8 bits, not to 4"));
  CHECK_THAT(first({{"quantizer", w8}, {"activation", {{"clip", 0.9}}}}),
             contains("consumers cover an input's whole range"));
  CHECK_THAT(first({{"quantizer", w8}, {"activation", {{"type", "fp8"}}}}),
             contains("fp8 inputs need fp8 weights with one scale for each row"));
  CHECK_THAT(first({{"quantizer", "nvfp4"}, {"activation", {{"bits", 8}}}}),
             contains("8-bit integer inputs need integer weights, not float/1"));
  CHECK_THAT(
      first({{"quantizer", rtn(8, 32)}, {"activation", {{"bits", 8}}}}),
      contains("8-bit activations need symmetric 8-bit weights with one scale for each row"));
  CHECK_THAT(first({{"quantizer", w8}, {"kv", {{"bits", 8}}}}),
             contains("--kv-cache-dtype int8_per_token_head"));
  CHECK_THAT(first({{"quantizer", w8},
                    {"kv", {{"type", "fp8"}, {"strategy", "tensor"}, {"rotate", true}}}}),
             contains("no consumer of the format turns keys"));
  CHECK_THAT(first({{"quantizer", {{"id", "codebook"}, {"config", json::object()}}}}),
             contains("the format holds integer grids, fp8 rows, nvfp4 and mxfp4, not codebook/1"));
}
