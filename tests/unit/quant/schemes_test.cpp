// Tests schemes that round inputs of linears, and keys and values: each grid equals a plain reference, static grids use
// calibrated ranges, and bad schemes are refused with the name of the wrong key.
#include "catch.hpp"

#include <cmath>

#include "core/error.hpp"
#include "quant/schemes/activation.hpp"
#include "quant/schemes/kv_scheme.hpp"
#include "tiny_subject.hpp"

using assay::json;
using namespace assay::quant;
using namespace quant_test;

namespace {

at::Tensor some_input(std::vector<int64_t> shape, uint64_t seed = 4) {
  return at::randn(shape, at::detail::createCPUGenerator(seed), at::kFloat) * 3 + 0.5;
}

// Rounds one row of n values to a grid of `bits` bits, by the plain formula (std::nearbyint rounds half to even).
std::vector<float> plain_row(const float *x, int64_t n, int bits, bool symmetric) {
  float low = 0, high = 0;
  for (int64_t i = 0; i < n; ++i) low = std::min(low, x[i]), high = std::max(high, x[i]);
  const float most = std::max(-low, high);
  std::vector<float> out;
  for (int64_t i = 0; i < n; ++i) {
    if (symmetric) {
      const float top = static_cast<float>((1 << (bits - 1)) - 1), scale = most / top;
      out.push_back(std::clamp(std::nearbyint(x[i] / scale), -top, top) * scale);
    } else {
      const float top = static_cast<float>((1 << bits) - 1), scale = (high - low) / top;
      const float zero = std::nearbyint(-low / scale);
      out.push_back((std::clamp(std::nearbyint(x[i] / scale) + zero, 0.0f, top) - zero) * scale);
    }
  }
  return out;
}

// Returns the E4M3 number (8-bit float) nearest to x, by trying all of them.
float plain_fp8(float x) {
  float best = 0;
  for (int code = 0; code < 127; ++code) {
    const int exponent = code >> 3, mantissa = code & 7;
    const float value = exponent ? std::ldexp(1.0f + static_cast<float>(mantissa) / 8, exponent - 7)
                                 : std::ldexp(static_cast<float>(mantissa) / 8, -6);
    if (std::fabs(std::fabs(x) - value) < std::fabs(std::fabs(x) - best)) best = value;
  }
  return std::copysign(best, x);
}

const json k_rtn8 = {{"id", "rtn"}, {"config", {{"bits", 8}, {"group_size", -1}}}};

}  // namespace

TEST_CASE("integer activations with one scale for each token equal the plain formula",
          "[schemes_test]") {
  const auto x = some_input({5, 33});
  for (const int bits : {4, 8})
    for (const bool symmetric : {true, false}) {
      CAPTURE(bits, symmetric);
      const auto rounded = round_per_token(x, bits, symmetric);
      for (int64_t row = 0; row < 5; ++row) {
        const auto plain = plain_row(x[row].const_data_ptr<float>(), 33, bits, symmetric);
        for (int64_t i = 0; i < 33; ++i)
          REQUIRE(rounded[row][i].item<float>() ==
                  Approx(plain[static_cast<size_t>(i)]).margin(1e-6));
      }
    }
}

TEST_CASE("fp8 activations equal the nearest E4M3 number under the token's scale",
          "[schemes_test]") {
  const auto x = some_input({3, 40});
  const auto rounded = round_fp8_per_token(x);
  for (int64_t row = 0; row < 3; ++row) {
    const float scale = x[row].abs().max().item<float>() / 448.0f;
    for (int64_t i = 0; i < 40; ++i)
      REQUIRE(std::fabs(rounded[row][i].item<float>() / scale) ==
              Approx(std::fabs(plain_fp8(x[row][i].item<float>() / scale))));
  }
}

TEST_CASE("a clipped activation grid saturates", "[schemes_test]") {
  const auto x = at::tensor({1.0f, -10.0f, 4.0f, 0.5f}).reshape({1, 4});
  const auto rounded = round_per_token(x, 8, true, 0.5);
  CHECK(rounded[0][1].item<float>() == Approx(-5.0));
  CHECK(rounded[0][2].item<float>() == Approx(4.0).margin(5.0 / 127));
}

TEST_CASE("a static grid comes from the calibrated range and saturates beyond it",
          "[schemes_test]") {
  input_statistics ranges;
  ranges.abs_max = at::tensor({2.0f, 12.7f, 1.0f});
  const auto scheme = complete_activation({{"strategy", "tensor"}});
  CHECK(is_static(scheme));
  const auto grid = static_grid(scheme, ranges);
  CHECK(grid.scale.item<float>() == Approx(0.1));
  const auto rounded = round_on_grid(at::tensor({0.26f, 50.0f, -50.0f}), grid, 8);
  CHECK(rounded[0].item<float>() == Approx(0.3));
  CHECK(rounded[1].item<float>() == Approx(12.7));
  CHECK(rounded[2].item<float>() == Approx(-12.7));
  const auto fp8 =
      static_grid(complete_activation({{"strategy", "tensor"}, {"type", "fp8"}}), ranges);
  CHECK(fp8.scale.item<float>() == Approx(12.7 / 448));
  CHECK(round_fp8_on_grid(at::tensor({100.0f}), fp8).item<float>() == Approx(12.7));
}

TEST_CASE("an asymmetric static grid spans min to max and holds zero", "[schemes_test]") {
  input_statistics ranges;
  ranges.min = at::tensor({-1.0f, 0.5f});
  ranges.max = at::tensor({1.0f, 4.1f});
  const auto scheme = complete_activation({{"strategy", "tensor"}, {"symmetric", false}});
  CHECK(activation_needs(scheme).min_max);
  const auto grid = static_grid(scheme, ranges);
  CHECK(grid.scale.item<float>() == Approx(5.1 / 255));
  const auto rounded = round_on_grid(at::tensor({0.0f, -7.0f, 9.0f}), grid, 8);
  CHECK(rounded[0].item<float>() == 0.0f);
  CHECK(rounded[1].item<float>() == Approx(-1.0).margin(0.011));
  CHECK(rounded[2].item<float>() == Approx(4.1).margin(0.011));
}

TEST_CASE("schemes that make no sense are refused with the reason", "[schemes_test]") {
  using assay_test::contains;
  CHECK_THROWS_WITH(complete_activation({{"strategy", "tensor"}, {"dynamic", true}}),
                    contains("a dynamic scale for the whole tensor would depend on the batch"));
  CHECK_THROWS_WITH(complete_activation({{"type", "fp8"}, {"symmetric", false}}),
                    contains("fp8 activations have no zero point"));
  CHECK_THROWS_WITH(complete_kv({{"strategy", "head"}, {"dynamic", true}}),
                    contains("a dynamic scale for a whole head would change with every token"));
  CHECK_THROWS_WITH(complete_kv({{"type", "fp8"}, {"bits", 4}}),
                    contains("fp8 keys and values have 8 bits"));
  const tiny_subject m(8);
  CHECK_THROWS_WITH(m.run({{"activation", {{"bits", 8}}}}),
                    contains("an activation scheme needs a quantizer of the weights"));
  CHECK_THROWS_WITH(m.run({{"quantizer", k_rtn8}, {"activation", {{"strategy", "tensor"}}}}, false),
                    contains("static activation scales need calibration data"));
  CHECK_THROWS_WITH(m.run({{"kv", {{"strategy", "head"}}}}, false),
                    contains("static scales of keys and values need calibration data"));
}

TEST_CASE("keys and values are rounded with one scale for each token and head, or for each token",
          "[schemes_test]") {
  const auto x = some_input({2, 3, 4, 16});
  const auto by_head = round_kv(x, complete_kv({{"bits", 8}}));
  const auto four = round_kv(x, complete_kv({{"bits", 4}}));  // asymmetric
  const auto by_token = round_kv(x, complete_kv({{"strategy", "token"}}));
  for (int64_t head = 0; head < 3; ++head) {
    const auto own = x[1][head][2].contiguous();
    const auto plain = plain_row(own.const_data_ptr<float>(), 16, 8, true);
    const auto plain4 = plain_row(own.const_data_ptr<float>(), 16, 4, false);
    for (int64_t i = 0; i < 16; ++i) {
      REQUIRE(by_head[1][head][2][i].item<float>() ==
              Approx(plain[static_cast<size_t>(i)]).margin(1e-6));
      REQUIRE(four[1][head][2][i].item<float>() ==
              Approx(plain4[static_cast<size_t>(i)]).margin(1e-6));
    }
  }
  const auto token = x.select(0, 0).select(1, 1).contiguous();  // [heads, head_dim]
  const auto plain = plain_row(token.const_data_ptr<float>(), 48, 8, true);
  for (int64_t i = 0; i < 48; ++i)
    REQUIRE(by_token[0][i / 16][1][i % 16].item<float>() ==
            Approx(plain[static_cast<size_t>(i)]).margin(1e-6));
}

TEST_CASE("static scales of keys come from the largest numbers of the calibration",
          "[schemes_test]") {
  const tiny_subject m(8);
  const auto q = m.run({{"kv", {{"type", "fp8"}, {"strategy", "head"}}}});
  const auto scheme = complete_kv({{"type", "fp8"}, {"strategy", "head"}});
  const auto ranges = measure_kv(m.decoder, m.data, scheme);
  const auto &stored = q.edited.at("model.layers.1.self_attn.k_scale");
  CHECK(stored.sizes() == at::IntArrayRef({2, 1, 1}));
  CHECK(at::allclose(stored.reshape({-1}), ranges[1].k_max / 448.0));
  CHECK_FALSE(at::equal(logits_of(q.decoder), logits_of(m.decoder)));
}

TEST_CASE("rotated keys change attention only by rounding", "[schemes_test]") {
  const tiny_subject m(8);
  const auto exact = logits_of(m.decoder);
  const auto off = [&](const json &kv) {
    return (logits_of(m.run({{"kv", kv}}).decoder) - exact).norm().item<double>() /
           exact.norm().item<double>();
  };
  const double eight = off({{"bits", 8}}), turned = off({{"bits", 8}, {"rotate", true}});
  CHECK(eight < 0.02);
  CHECK(turned < 0.02);
  CHECK(off({{"bits", 4}}) > eight);
}

TEST_CASE(
    "weights, inputs and cache are rounded together, and more bits bring the logits nearer to the "
    "float model",
    "[schemes_test]") {
  const tiny_subject m(8);
  const auto exact = logits_of(m.decoder);
  const auto off = [&](int weights, const json &activation, const json &kv) {
    json recipe = {
        {"quantizer", {{"id", "rtn"}, {"config", {{"bits", weights}, {"group_size", 32}}}}}};
    if (!activation.is_null()) recipe["activation"] = activation;
    if (!kv.is_null()) recipe["kv"] = kv;
    return (logits_of(m.run(recipe).decoder) - exact).norm().item<double>();
  };
  const json four = {{"bits", 4}}, eight = {{"bits", 8}};
  const double w8 = off(8, {}, {}), w8a8 = off(8, eight, {}), w8a8kv8 = off(8, eight, eight);
  CHECK(w8 < w8a8);
  CHECK(w8a8 != w8a8kv8);  // the cache is rounded
  CHECK(w8a8kv8 < off(4, eight, eight));
  CHECK(w8a8kv8 < off(8, four, eight));
  CHECK(w8a8kv8 < off(8, eight, four));
}

TEST_CASE("a cache of codes gives the logits of rounded floats bit for bit", "[schemes_test]") {
  for (const json &scheme :
       {json{{"bits", 8}}, json{{"bits", 4}}, json{{"bits", 3}, {"symmetric", true}},
        json{{"bits", 6}, {"symmetric", false}}, json{{"bits", 8}, {"rotate", true}},
        json{{"bits", 4}, {"rotate", true}}, json{{"type", "fp8"}},
        json{{"type", "fp8"}, {"rotate", true}}, json{{"type", "fp8"}, {"strategy", "head"}},
        json{{"type", "fp8"}, {"strategy", "tensor"}}, json{{"bits", 8}, {"strategy", "head"}},
        json{{"bits", 4}, {"strategy", "tensor"}},
        json{{"bits", 5}, {"strategy", "head"}, {"rotate", true}}}) {
    INFO(scheme.dump());
    const tiny_subject s(4);
    assay::model::decoder stored = s.decoder, simulated = s.decoder;
    set_kv(stored, complete_kv(scheme), &s.data);
    set_kv(simulated, complete_kv(scheme), &s.data);
    simulated.kv_code = {};
    auto codes = stored.make_cache(3, 40), floats = simulated.make_cache(3, 40);
    REQUIRE(codes.has_codes());
    REQUIRE_FALSE(floats.has_codes());
    CHECK(codes.bytes() < floats.bytes() / 2);
    const at::Tensor prompt = tiny_ids(2, 17, 5), next = tiny_ids(2, 1, 6);
    CHECK(at::equal(stored.hidden(prompt, &codes), simulated.hidden(prompt, &floats)));
    CHECK(at::equal(stored.hidden(next, &codes), simulated.hidden(next, &floats)));
    codes.copy_slot(1, 2), floats.copy_slot(1, 2);
    CHECK(at::equal(stored.hidden(next, &codes, {2, 0}), simulated.hidden(next, &floats, {2, 0})));
  }
}

TEST_CASE("a scheme whose tokens share a scale over all heads keeps floats in the cache",
          "[schemes_test]") {
  tiny_subject s;
  set_kv(s.decoder, complete_kv({{"strategy", "token"}}), nullptr);
  CHECK_FALSE(s.decoder.make_cache(1, 8).has_codes());
}
