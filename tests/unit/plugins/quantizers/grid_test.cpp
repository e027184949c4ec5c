// Tests the arithmetic that plugins share, plugin_api/assay_grid.hpp: 16-bit floats, scales, groups, grids.
#include <array>
#include <cmath>
#include <vector>

#include "assay_grid.hpp"
#include "catch.hpp"

namespace {

using assay_grid::scale_dtype;
using assay_grid::store;

constexpr float k_inf = std::numeric_limits<float>::infinity();

// Returns the value of a binary16 number by its definition, as a double.
double value_of_float16(uint16_t half) {
  const int exponent = half >> 10 & 31, mantissa = half & 1023;
  const double magnitude =
      exponent == 0 ? std::ldexp(mantissa, -24) : std::ldexp(1024 + mantissa, exponent - 25);
  return half & 0x8000 ? -magnitude : magnitude;
}

}  // namespace

TEST_CASE(
    "every float16 survives conversion to float32 and back, and a number halfway between two goes "
    "to the even one") {
  for (uint32_t half = 0; half < 0x7C00; ++half) {
    const auto bits = static_cast<uint16_t>(half);
    const float value = assay_grid::from_float16(bits);
    REQUIRE(double{value} == value_of_float16(bits));
    REQUIRE(assay_grid::to_float16(value) == bits);
    REQUIRE(assay_grid::to_float16(-value) == (bits | 0x8000));
    if (half == 0x7BFF) break;
    const float next = assay_grid::from_float16(static_cast<uint16_t>(half + 1));
    const float middle = 0.5f * (value + next);  // exact: float32 has 13 more bits
    REQUIRE(assay_grid::to_float16(middle) == half + half % 2);
    REQUIRE(assay_grid::to_float16(std::nextafter(middle, k_inf)) == half + 1);
    REQUIRE(assay_grid::to_float16(std::nextafter(middle, 0.0f)) == half);
  }
}

TEST_CASE("numbers too large for a 16-bit float become infinite, and NaN stays NaN") {
  CHECK(assay_grid::to_float16(65519.0f) == 0x7BFF);
  CHECK(assay_grid::to_float16(65520.0f) == 0x7C00);
  CHECK(assay_grid::to_float16(-1e30f) == 0xFC00);
  CHECK(std::isnan(assay_grid::from_float16(assay_grid::to_float16(std::nanf("")))));
  CHECK(std::isnan(assay_grid::from_bfloat16(assay_grid::to_bfloat16(std::nanf("")))));
  CHECK(assay_grid::from_bfloat16(assay_grid::to_bfloat16(3.4e38f)) == k_inf);
}

TEST_CASE("a float32 becomes the nearest bfloat16, and halfway between two the even one") {
  CHECK(assay_grid::rounded_to(scale_dtype::bfloat16, 1.0f + 0x1p-8f) == 1.0f);
  CHECK(assay_grid::rounded_to(scale_dtype::bfloat16, 1.0f + 0x3p-8f) == 1.0f + 0x1p-6f);
  CHECK(assay_grid::rounded_to(scale_dtype::bfloat16, 1.0f + 0x1p-8f + 0x1p-20f) == 1.0f + 0x1p-7f);
}

TEST_CASE(
    "a stored scale lies within its dtype's normal numbers, and store() says whether it had to be "
    "clamped") {
  for (const auto dtype : {scale_dtype::float16, scale_dtype::bfloat16, scale_dtype::float32}) {
    const float least = assay_grid::smallest_normal(dtype),
                most = assay_grid::largest_finite(dtype);
    for (const float sign : {1.0f, -1.0f}) {
      CHECK(store(dtype, sign * least).value == sign * least);
      CHECK_FALSE(store(dtype, sign * least).clamped);
      CHECK(store(dtype, sign * most).value == sign * most);
      CHECK_FALSE(store(dtype, sign * most).clamped);
      CHECK(store(dtype, sign * 0.5f * least).value == sign * least);
      CHECK(store(dtype, sign * 0.5f * least).clamped);
      CHECK(store(dtype, sign * k_inf).value == sign * most);
      CHECK(store(dtype, sign * k_inf).clamped);
    }
  }
  CHECK(store(scale_dtype::float16, 65519.0f).value == 65504.0f);  // rounds to the largest
  CHECK_FALSE(store(scale_dtype::float16, 65519.0f).clamped);
  CHECK(store(scale_dtype::float16, 65520.0f).value == 65504.0f);
  CHECK(store(scale_dtype::float16, 65520.0f).clamped);
  CHECK(store(scale_dtype::float16, 0.1f).value == 0.0999755859375f);
}

TEST_CASE("scales are read back from tensors of every dtype") {
  for (const auto dtype : {scale_dtype::float16, scale_dtype::bfloat16, scale_dtype::float32}) {
    std::array<float, 3> memory{};
    const float value = store(dtype, -0.3f).value;
    assay_grid::write_scale(dtype, memory.data(), 2, value);
    assay_tensor tensor{};
    tensor.data = memory.data();
    tensor.dtype = assay_grid::tensor_dtype(dtype);
    CHECK(assay_grid::read_scale(tensor, 2) == value);
    CHECK(tensor.dtype.bits == assay_grid::scale_bits(dtype));
  }
  CHECK_THROWS_WITH(assay_grid::scale_dtype_of("float8"), "no dtype of scales is called 'float8'");
}

TEST_CASE("a row is cut into groups, the last of which may be short") {
  const assay_grid::group_cut ragged(128, 576), row(-1, 576), wide(1000, 576), empty(-1, 0);
  CHECK(ragged.count == 5);
  CHECK(ragged.length(3) == 128);
  CHECK(ragged.length(4) == 64);
  CHECK(ragged.noted() == 128);
  for (const auto &whole : {row, wide}) {
    CHECK(whole.size == 576);
    CHECK(whole.count == 1);
    CHECK(whole.noted() == 0);
  }
  CHECK(empty.count == 0);
}

TEST_CASE("the range of a group is found for every length and stride") {
  std::vector<float> w;
  for (int i = 0; i < 60; ++i) w.push_back(std::sin(static_cast<float>(i * i)));
  for (int64_t n = 1; n <= 20; ++n)
    for (const int64_t stride : {int64_t{1}, int64_t{3}}) {
      float low = w[0], high = w[0];
      for (int64_t j = 0; j < n; ++j) {
        low = std::min(low, w[static_cast<size_t>(j * stride)]);
        high = std::max(high, w[static_cast<size_t>(j * stride)]);
      }
      const auto range = stride == 1 ? assay_grid::range_of(w.data(), n)
                                     : assay_grid::range_of(w.data(), n, stride);
      CHECK(range.low == low);
      CHECK(range.high == high);
    }
  const std::array<float, 2> positive{2.0f, 3.0f};
  CHECK(assay_grid::range_of(positive.data(), 2).with_zero().low == 0.0f);
}

TEST_CASE("a symmetric grid holds the extreme of larger magnitude exactly") {
  CHECK(assay_grid::symmetric_scale(-3.0f, 8.0f, 4) == -1.0f);
  CHECK(assay_grid::symmetric_scale(-8.0f, 3.0f, 4) == 1.0f);
  CHECK(assay_grid::symmetric_scale(-8.0f, 8.0f, 4) == 1.0f);  // a tie: the negative one decides
  const assay_grid::code_range codes{4, true};
  CHECK(codes.low() == -8.0f);
  CHECK(codes.high() == 7.0f);
}

TEST_CASE("an asymmetric grid has zero on a code") {
  CHECK(assay_grid::asymmetric_scale(-5.0, 10.0, 4) == 1.0);
  CHECK(assay_grid::zero_point(-5.0f, 1.0f, 4) == 5.0f);
  CHECK(assay_grid::zero_point(-2.5f, 1.0f, 4) == 2.0f);    // half to even
  CHECK(assay_grid::zero_point(-1e30f, 1.0f, 4) == 15.0f);  // never beyond the codes
  const assay_grid::code_range codes{4, false};
  CHECK(codes.low() == 0.0f);
  CHECK(codes.high() == 15.0f);
}
