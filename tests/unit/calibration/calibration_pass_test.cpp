// Tests more of the calibration pass (calibrate_test.cpp tests the sums): two streams (float and quantized
// inputs together), short memory, bad values, cancelling, and quantization of outer weights (the embedding and
// the head; a "table" in names of tests).
#include "catch.hpp"

#include <ATen/Parallel.h>
#include <ATen/core/grad_mode.h>

#include "calibration/calibrate.hpp"
#include "core/cancel.hpp"
#include "core/error.hpp"
#include "quant/linear_run.hpp"
#include "quant/quantize.hpp"
#include "tiny_subject.hpp"

using assay::json;
using namespace assay::quant;
using namespace quant_test;

namespace {

struct bench {
  explicit bench(bool tied = true)
      : checkpoint(assay::model::checkpoint::open(write_tiny_model(root, "tiny", tied))),
        decoder(assay::model::decoder::load(*checkpoint)) {
    use_plugins();
  }
  temporary_folder root;
  std::shared_ptr<const assay::model::checkpoint> checkpoint;
  assay::model::decoder decoder;

  quantized_model quantize(const json &what, const calibration &data,
                           const quantize_options &options = {}) const {
    return assay::quant::quantize(*checkpoint, decoder, recipe::from_json(what), &data, options);
  }
};

calibration sequences(int64_t rows = 8) {
  return tiny_calibration(rows, 24, 11);
}

bool close(const at::Tensor &a, const at::Tensor &b, double tolerance = 1e-5) {
  return (a - b).abs().max().item<double>() <= tolerance * b.abs().max().item<double>();
}

json with(const char *id, json config = json::object()) {
  config["group_size"] = 32;
  return {{"quantizer", {{"id", id}, {"config", config}}}};
}

}  // namespace

// The cross-moment is the sum over tokens of x_float x^T. For each token, x_float is the input in the float model, and
// x is the input in the live model, whose weights were changed.
TEST_CASE(
    "the cross-moment pairs the inputs of each token in the float model and in the live model",
    "[calibration_pass_test]") {
  const bench b;
  assay::model::decoder live = b.decoder;
  for (auto *linear : live.linears()) linear->weight = linear->weight * 0.9;
  const auto data = sequences(4);
  calibrate_options options;
  options.needs.hessian = options.needs.cross = options.needs.raw_input = true;
  std::vector<at::Tensor> alone;  // inputs of the float model at each stop
  calibrate_options only_raw;
  only_raw.needs.raw_input = true;
  assay::model::decoder reference = b.decoder;
  calibrate(reference, data, only_raw,
            [&](calibration_stop &stop) { alone.push_back(at::cat(stop.statistics.raw)); });
  options.float_model = &b.decoder;
  size_t i = 0;
  const auto facts = calibrate(live, data, options, [&](calibration_stop &stop) {
    const auto x = at::cat(stop.statistics.raw);
    CHECK(close(stop.statistics.hessian, x.t().mm(x)));
    CHECK(close(stop.statistics.cross, alone[i++].t().mm(x)));
  });
  CHECK(i == 8);
  CHECK(facts["streams"] == 2);
}

TEST_CASE("gptaq is refused without propagation = 'asymmetric', which runs two streams",
          "[calibration_pass_test]") {
  const bench b;
  auto what = with("gptaq");
  CHECK_THAT(complaint([&] { b.quantize(what, sequences()); }),
             assay_test::contains("Set propagation = 'asymmetric'"));
  what["propagation"] = "asymmetric";
  const auto q = b.quantize(what, sequences());
  CHECK(q.forms.size() == 14);
  CHECK(at::equal(logits_of(q.decoder), logits_of(b.quantize(what, sequences()).decoder)));
}

TEST_CASE("when memory runs short chunks are halved, and the sums stay the same",
          "[calibration_pass_test]") {
  const bench b;
  const auto data = sequences(8);
  const auto take = [&](assay::model::decoder &decoder, int *halved) {
    calibrate_options options;
    options.needs.hessian = true;
    options.smaller_chunks = [&](const std::string &, int64_t) { ++*halved; };
    std::vector<at::Tensor> found;
    calibrate(decoder, data, options,
              [&](calibration_stop &stop) { found.push_back(stop.statistics.hessian); });
    return found;
  };
  int none = 0, some = 0;
  assay::model::decoder plain = b.decoder, tight = b.decoder;
  tight.block(1).o.on_input = [](const at::Tensor &x) {
    if (x.size(0) > 2) throw std::bad_alloc();
    return x;
  };
  const auto expected = take(plain, &none), found = take(tight, &some);
  CHECK(none == 0);
  CHECK(some == 3);  // 8 -> 4 + 4 -> 2 + 2 + 2 + 2
  for (size_t i = 0; i < expected.size(); ++i) CHECK(close(found[i], expected[i]));
  tight.block(1).o.on_input = [](const at::Tensor &) -> at::Tensor { throw std::bad_alloc(); };
  CHECK(complaint([&] { take(tight, &some); }) ==
        "out of memory with a single calibration sequence of 24 tokens (layer "
        "model.layers.1.mlp.gate_proj). Use shorter sequences, fewer of them, or a machine with "
        "more memory");
}

TEST_CASE("values that are not finite end the pass at the layer where they are seen",
          "[calibration_pass_test]") {
  const bench b;
  assay::model::decoder bad = b.decoder;
  bad.block(1).mlp_norm = bad.block(1).mlp_norm.clone();
  bad.block(1).mlp_norm[3] = std::numeric_limits<float>::quiet_NaN();
  const auto data = sequences();
  CHECK_THAT(
      complaint([&] { quantize(*b.checkpoint, bad, recipe::from_json(with("gptq")), &data); }),
      assay_test::contains("192 values of the input are not finite") &&
          assay_test::contains("model.layers.1.mlp.gate_proj"));
  bad = b.decoder;
  bad.block(0).k.weight = bad.block(0).k.weight.clone();
  bad.block(0).k.weight[2][5] = std::numeric_limits<float>::infinity();
  CHECK_THAT(
      complaint([&] { quantize(*b.checkpoint, bad, recipe::from_json(with("rtn")), &data); }),
      assay_test::contains("weight [2, 5] is not finite, one of 1") &&
          assay_test::contains("model.layers.0.self_attn.k_proj"));
}

TEST_CASE("groups that do not divide a row are counted, or refused on request",
          "[calibration_pass_test]") {
  const bench b;
  json what = with("rtn");
  what["quantizer"]["config"]["group_size"] = 48;
  const auto q = b.quantize(what, sequences());
  const std::map<std::string, int> expected = {{"ragged_group", 14}};
  CHECK(q.incidents.counts() == expected);
  what["ragged"] = "error";
  CHECK(complaint([&] { b.quantize(what, sequences()); }) ==
        "groups of 48 do not divide a row of 64 (layer model.layers.0.self_attn.q_proj). Choose a "
        "divisor, override this linear, or allow it with ragged = 'short'");
}

TEST_CASE("a cancelled run ends at once wherever it is", "[calibration_pass_test]") {
  const bench b;
  const auto data = sequences();
  for (const char *id : {"gptq", "adaround", "autoround"})
    for (const uint64_t moment : {0u, 2u, 3u}) {
      CAPTURE(id, moment);
      quantize_options options;
      uint64_t calls = 0;
      options.progress = [&](uint64_t, uint64_t, const std::string &) {
        if (calls++ == moment) assay::request_cancel();
      };
      try {
        b.quantize(with(id), data, options);
        FAIL("it went on");
      } catch (const assay::error &problem) {
        CHECK(problem.kind() == assay::error_kind::cancelled);
      }
      assay::clear_cancel();
    }
}

TEST_CASE("an untied head is quantized on request with its own statistics",
          "[calibration_pass_test]") {
  const bench b(false);
  auto what = with("gptq");
  what["keep"] = json::array();
  what["min_token_ratio"] = 0;
  const auto q = b.quantize(what, sequences());
  REQUIRE(q.forms.count("lm_head") == 1);
  CHECK(q.forms.at("lm_head").output_error > 0);
  CHECK(at::equal(q.decoder.head().weight, dequantize(q.forms.at("lm_head"))));
  CHECK_FALSE(at::equal(q.decoder.head().weight, b.decoder.head().weight));
  CHECK(at::equal(q.decoder.embedding(), b.decoder.embedding()));
  what["propagation"] = "fp";
  CHECK(b.quantize(what, sequences()).forms.count("lm_head") == 1);
  what["embeddings"] = true;
  const auto both = b.quantize(what, sequences());
  CHECK(both.forms.count("model.embed_tokens") == 1);
  CHECK(at::equal(both.decoder.embedding(), dequantize(both.forms.at("model.embed_tokens"))));
}

// The embedding and the head of this model are tied: one matrix (the tied table) serves as both.
TEST_CASE("a tied table is quantized once, for both of its sides", "[calibration_pass_test]") {
  const bench b;
  auto what = with("gptq");
  what["embeddings"] = true;
  const auto q = b.quantize(what, sequences());
  REQUIRE(q.forms.count("model.embed_tokens") == 1);
  CHECK(q.forms.count("lm_head") == 0);
  const auto table = dequantize(q.forms.at("model.embed_tokens"));
  CHECK(at::equal(q.decoder.embedding(), table));
  CHECK(at::equal(q.decoder.head().weight, table));
  CHECK(q.summary["bits_per_weight"].get<double>() < 6.0);  // 4 bits, scales, float norms
  what["embeddings"] = false;
  what["keep"] = json::array();
  CHECK(complaint([&] { b.quantize(what, sequences()); }) ==
        "recipe.keep: this model's head shares its matrix with the embedding. Quantize both with "
        "embeddings = true, or add 'lm_head' to keep");
  json data_free = with("rtn");
  data_free["embeddings"] = true;
  CHECK(b.quantize(data_free, sequences()).forms.count("model.embed_tokens") == 1);
}

TEST_CASE("errors of a table with many rows equal those of the plain formulas",
          "[calibration_pass_test]") {
  auto generator = at::detail::createCPUGenerator(8);
  const auto w = at::randn({40000, 8}, generator, at::kFloat), x = at::randn({8, 64}, generator);
  const auto q = w + 0.1 * at::randn({40000, 8}, generator, at::kFloat);
  const auto h = at::matmul(x, x.t()).to(at::kFloat).contiguous();
  const auto wide = [](const at::Tensor &t) { return t.to(at::kDouble); };
  const at::Tensor d = wide(w) - wide(q);
  const auto energy = [&](const at::Tensor &of) {
    return (at::matmul(of, wide(h)) * of).sum().item<double>();
  };
  CHECK(relative_error(w, q) == Approx((d.norm() / wide(w).norm()).item<double>()).epsilon(1e-5));
  CHECK(output_error(w, q, h) == Approx(energy(d) / energy(wide(w))).epsilon(1e-5));
}

// "rank" has the counted tokens and the width of one input: the one that has the fewest tokens for its width. With
// fewer tokens than columns a Hessian is singular.
TEST_CASE("the facts of the pass have its rank, its threads and the counted tokens",
          "[calibration_pass_test]") {
  const bench b;
  const auto facts = b.quantize(with("gptq"), sequences()).metadata["calibration_pass"];
  CHECK(facts["rank"]["tokens"] == 192);
  CHECK(facts["rank"]["width"] == 128);
  CHECK(facts["threads"] == at::get_num_threads());
  CHECK(facts["counted_tokens"] == 192);
}
