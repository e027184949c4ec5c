// Tests that forms of every format, packed, stand for the weights that their quantizer dequantizes, and that a whole model which runs
// from its forms computes what its dequantized copy computes.
#include "catch.hpp"

#include "core/error.hpp"
#include "quant/packed_forms.hpp"
#include "tiny_subject.hpp"

using assay::json;
using namespace assay::quant;
using namespace quant_test;

namespace {

struct kind {
  const char *id;
  json config;
  bool exact = true;  // packed weights equal the dequantized ones bit for bit
};

const std::vector<kind> k_kinds = {
    {"rtn", {{"bits", 4}, {"group_size", 32}}},
    {"rtn", {{"bits", 3}, {"group_size", 64}, {"symmetric", false}}},
    {"rtn", {{"bits", 8}, {"group_size", -1}}},
    {"gptq", {{"bits", 4}, {"group_size", 32}, {"act_order", true}}},
    {"gptq", {{"bits", 2}, {"group_size", 32}, {"symmetric", false}}},
    {"codebook", {{"group_size", 64}}},
    {"fp8", json::object()},
    {"mxfp4", json::object()},
    {"nvfp4", json::object(), false},  // the divisor of all scales is applied last
    {"hqq", {{"bits", 4}, {"group_size", 64}}, false},
    {"kquant", {{"type", "Q4_1"}}},
    {"kquant", {{"type", "Q5_0"}}},
    {"kquant", {{"type", "Q8_0"}}},
    {"kquant", {{"type", "IQ4_NL"}}},
    {"salient", {{"bits", 3}, {"group_size", 32}}},
    {"salient",
     {{"bits", 2},
      {"group_size", 32},
      {"middle_bits", 4},
      {"middle_ratio", 0.2},
      {"symmetric", false}}},
    {"salient", {{"bits", 2}, {"group_size", 32}, {"high_bits", 8}, {"ratio", 0.1}}},
};

at::Tensor some(std::vector<int64_t> shape, uint64_t seed) {
  return at::randn(shape, at::detail::createCPUGenerator(seed), at::kFloat);
}

double distance(const at::Tensor &a, const at::Tensor &b) {
  return ((a - b).norm() / b.norm()).item<double>();
}

}  // namespace

TEST_CASE("packed forms stand for the dequantized weights", "[packed_forms_test]") {
  const at::Tensor w = some({48, 192}, 1),
                   inputs = some({400, 192}, 2) * (at::arange(192).to(at::kFloat) / 64 + 0.2),
                   hessian = inputs.t().matmul(inputs), x = some({2, 3, 192}, 3);
  for (const kind &k : k_kinds) {
    INFO(k.id << " " << k.config.dump());
    const linear_result result = run(k.id, k.config, w, hessian, 400);
    std::string why;
    const auto packed = packed_form(result.form, why);
    REQUIRE(why.empty());
    REQUIRE(packed != nullptr);
    if (k.exact)
      CHECK(at::equal(packed->unpacked(), result.weight));
    else
      CHECK(distance(packed->unpacked(), result.weight) < 1e-6);
    CHECK(distance(packed->product(x), x.matmul(result.weight.t())) < 2e-6);
    const at::Tensor ids = at::tensor({3, 47, 0}, at::kLong);
    CHECK(at::equal(packed->rows(ids), packed->unpacked().index_select(0, ids)));
    CHECK(packed->bytes() < 48 * 192 * 4);
  }
}

TEST_CASE("packed forms of super-blocks stand for the dequantized weights", "[packed_forms_test]") {
  const at::Tensor w = some({40, 512}, 6), x = some({3, 512}, 7), inputs = some({600, 512}, 8),
                   hessian = inputs.t().matmul(inputs);
  for (const char *type : {"Q2_K", "Q3_K", "Q4_K", "Q5_K", "Q6_K", "IQ4_XS"}) {
    INFO(type);
    const linear_result result = run("kquant", {{"type", type}}, w, hessian, 600);
    std::string why;
    const auto packed = packed_form(result.form, why);
    REQUIRE(packed != nullptr);
    CHECK(packed->format() == type);
    CHECK(at::equal(packed->unpacked(), result.weight));
    CHECK(distance(packed->product(x), x.matmul(result.weight.t())) < 2e-6);
  }
}

TEST_CASE("a form that no kernel runs says why", "[packed_forms_test]") {
  std::string why;
  CHECK(packed_form(run("rtn", {{"bits", 4}, {"group_size", 128}}, some({16, 192}, 4)).form, why) ==
        nullptr);
  CHECK(why == "the last group of a row is short");
  CHECK(packed_form(run("rtn", {{"bits", 4}, {"group_size", 24}}, some({16, 192}, 4)).form, why) ==
        nullptr);
  CHECK(why.find("groups of 24") != std::string::npos);
}

TEST_CASE("a model runs from its forms", "[packed_forms_test]") {
  const tiny_subject s;
  for (const bool embeddings : {false, true}) {
    json recipe = {
        {"method", "salient"},
        {"quantizer", {{"id", "salient"}, {"config", {{"bits", 4}, {"group_size", 32}}}}}};
    if (embeddings) recipe["embeddings"] = true;
    if (!embeddings) recipe["keep"] = {"lm_head"};
    const quantized_model quantized = s.run(recipe);
    const assay::model::decoder packed = packed_decoder(quantized);
    CHECK(packed.is_packed());
    CHECK(packed.told().empty());
    CHECK(distance(logits_of(packed), logits_of(quantized.decoder)) < 1e-5);
  }
}

TEST_CASE("a model whose forms have no kernel runs from floats and says so",
          "[packed_forms_test]") {
  const tiny_subject s;
  const quantized_model quantized =
      s.run({{"method", "rtn"},
             {"keep", {"lm_head"}},
             {"quantizer", {{"id", "rtn"}, {"config", {{"bits", 4}, {"group_size", 24}}}}}},
            false);
  const assay::model::decoder packed = packed_decoder(quantized);
  REQUIRE(packed.told().size() == quantized.forms.size());
  CHECK(packed.told().front().find("runs from floats") != std::string::npos);
  CHECK(distance(logits_of(packed), logits_of(quantized.decoder)) < 1e-5);
}
