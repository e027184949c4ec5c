// Tests the quantizers to small floats (fp8, mxfp4, nvfp4): rounding and scales as the formats define them, counted
// bits, and weights that are computed again from the quantized form alone. E4M3 (fp8) has 4 exponent and 3 mantissa
// bits, E2M1 (mxfp4, nvfp4) has 2 and 1.
#include "catch.hpp"

#include "quant_harness.hpp"

using assay::json;
using quant_test::run;

namespace {

at::Tensor random_weight(int64_t out, int64_t in) {
  return at::randn({out, in}, at::detail::createCPUGenerator(7), at::kFloat) * 0.05;
}

}  // namespace

TEST_CASE("fp8 agrees with torch's own E4M3, bit for bit", "[floats_test]") {
  const auto w = random_weight(16, 96);
  const auto result = run("fp8", json::object(), w);
  const auto scales = w.abs().amax(1, true) / 448.0;
  CHECK(at::equal(*result.form.find("scales"), scales));
  const auto theirs = at::div(w, scales).to(at::kFloat8_e4m3fn);
  CHECK(at::equal(result.weight, theirs.to(at::kFloat) * scales));
  CHECK(at::equal(result.form.find("codes")->to(at::kLong).bitwise_and(127),
                  theirs.view(at::kByte).to(at::kLong).bitwise_and(127)));
  CHECK(result.form.bits_per_weight() == Approx(8 + 32.0 / 96));
}

TEST_CASE(
    "e2m1 rounds at the format's thresholds, and a number halfway between two goes to the even "
    "code",
    "[floats_test]") {
  // One group of 32 weights. Its largest is 6, the largest number of the format, so its scale is 1 in mxfp4.
  auto w = at::zeros({1, 32});
  const std::vector<float> given = {6,    .25f,  .26f,  .74f, .75f, 1.25f, 1.26f, 1.74f, 1.75f,
                                    2.5f, 2.51f, 3.49f, 3.5f, 5,    5.01f, -.75f, -5};
  const std::vector<float> wanted = {6, 0, .5f, .5f, 1, 1, 1.5f, 1.5f, 2, 2, 3, 3, 4, 4, 6, -1, -4};
  for (size_t i = 0; i < given.size(); ++i) w[0][static_cast<int64_t>(i)] = given[i];
  const auto result = run("mxfp4", json::object(), w);
  CHECK(result.form.find("scale_exponents")->item<int>() == 127);
  for (size_t i = 0; i < wanted.size(); ++i)
    CHECK(result.weight[0][static_cast<int64_t>(i)].item<float>() == wanted[i]);
  CHECK(result.form.bits_per_weight() == Approx(4.25));
}

// The scale of a group of 16 is its largest magnitude * tensor_divisor / 6, rounded to E4M3; 6 is
// the largest number of E2M1.
TEST_CASE("nvfp4 stores the scale of each group in E4M3, and one divisor for the whole tensor",
          "[floats_test]") {
  const auto w = random_weight(8, 64);
  const auto result = run("nvfp4", json::object(), w);
  const float divisor = result.form.find("tensor_divisor")->item<float>();
  CHECK(divisor == Approx(448.0 * 6 / w.abs().max().item<double>()));
  const auto largest = w.reshape({8, 4, 16}).abs().amax(2);
  const auto local = (largest * divisor / 6).to(at::kFloat8_e4m3fn);
  CHECK(at::equal(*result.form.find("scales_e4m3"), local.view(at::kByte)));
  CHECK(result.form.relative_error < 0.12);
  CHECK(result.form.bits_per_weight() == Approx(4.5 + 32.0 / 512));
}

TEST_CASE("a new instance of the plugin dequantizes a quantized form to the same bits",
          "[floats_test]") {
  const auto w = random_weight(16, 100);  // the last group is short
  for (const char *id : {"fp8", "mxfp4", "nvfp4"}) {
    CAPTURE(id);
    const auto result = run(id, json::object(), w);
    CHECK(at::equal(assay::quant::dequantize(result.form), result.weight));
    CHECK(run(id, json::object(), at::zeros({4, 32})).weight.eq(0).all().item<bool>());
  }
}

TEST_CASE("a weight that is not finite is refused with its place", "[floats_test]") {
  auto w = random_weight(4, 32);
  w[2][5] = std::numeric_limits<float>::quiet_NaN();
  CHECK_THROWS_WITH(run("nvfp4", json::object(), w),
                    assay_test::contains("weight [2, 5] is not finite"));
}
