// Checks every packed kernel of this processor against the plain reference: with each number of bits, several sizes of
// groups, each way to store scales, several ways to store minima (numbers that are added to the weights of a group),
// and columns in another order.
#include "catch.hpp"

#include <cmath>
#include <random>

#include "aten.hpp"
#include "kernels/widen.hpp"
#include "packed/packed_int8.hpp"
#include "packed/packed_kernel.hpp"
#include "packed/packed_linear.hpp"

using namespace assay::model;

namespace {

struct form {
  int bits;
  int64_t group;
  factor_type scale, minimum;
  bool codebook = false, ordered = false;
};

std::string name_of(const form &f) {
  return std::to_string(f.bits) + " bits, group " + std::to_string(f.group) + ", scale " +
         std::to_string(static_cast<int>(f.scale)) + ", minimum " +
         std::to_string(static_cast<int>(f.minimum)) + (f.codebook ? ", codebook" : "");
}

void fill(aligned_bytes &factors, factor_type type, std::mt19937 &random) {
  std::uniform_real_distribution<float> around(0.01f, 0.1f);
  for (int64_t i = 0; i * bytes_of(type) < factors.size(); ++i) {
    uint8_t *at = factors.data() + i * bytes_of(type);
    const float value = around(random);
    uint32_t bits;
    std::memcpy(&bits, &value, 4);
    const auto half = static_cast<uint16_t>(((bits >> 13) - 0x1c000u) | (random() & 1) << 15);
    const auto narrow = static_cast<uint16_t>(bits >> 16 | (random() & 1) << 15);
    switch (type) {
      case factor_type::f32:
        std::memcpy(at, &value, 4);
        break;
      case factor_type::f16:
        std::memcpy(at, &half, 2);
        break;
      case factor_type::bf16:
        std::memcpy(at, &narrow, 2);
        break;
      case factor_type::e8m0:
        *at = static_cast<uint8_t>(118 + random() % 8);
        break;
      case factor_type::e4m3:
        *at = static_cast<uint8_t>(random() % 0x7f);
        break;
      default:
        *at = static_cast<uint8_t>(random() % 64);
    }
  }
}

packed_matrix random_matrix(const form &f, int64_t rows, int64_t columns, std::mt19937 &random) {
  packed_matrix m;
  m.scale_type = f.scale;
  m.minimum_type = f.minimum;
  m.shift = -static_cast<float>(1 << (f.bits - 1));
  if (f.scale == factor_type::step_u8 || f.scale == factor_type::step_i8) m.super = 8;
  if (f.codebook) {
    std::normal_distribution<float> normal;
    for (int code = 0; code < 1 << f.bits; ++code) m.codebook.push_back(normal(random));
    m.shift = 0;
  }
  m.outer = f.scale == factor_type::e4m3 ? 0.125f : 1.0f;
  shape_matrix(m, rows, columns, f.bits, f.group == 0 ? columns : f.group);
  std::vector<uint8_t> codes(static_cast<size_t>(columns));
  for (int64_t row = 0; row < rows; ++row) {
    for (uint8_t &code : codes) code = static_cast<uint8_t>(random() % (1u << f.bits));
    write_codes(m, row, codes.data());
    for (int64_t c = 0; c < columns; ++c)
      REQUIRE(code_at(m, row, c) == codes[static_cast<size_t>(c)]);
  }
  fill(m.scales, f.scale, random);
  fill(m.minima, f.minimum, random);
  fill(m.super_scales, factor_type::f16, random);
  fill(m.super_minima, factor_type::f16, random);
  if (f.ordered) {
    for (int64_t c = 0; c < columns; ++c) m.order.push_back(static_cast<int32_t>(c));
    std::shuffle(m.order.begin(), m.order.end(), random);
  }
  return m;
}

// Returns the largest error of y as a share of sum |x w|, because rounding errors grow with this sum.
double worst(const at::Tensor &y, const at::Tensor &x, const at::Tensor &w) {
  const at::Tensor exact = at::matmul(x.to(at::kDouble), w.to(at::kDouble).t());
  const at::Tensor size = at::matmul(x.abs().to(at::kDouble), w.abs().to(at::kDouble).t());
  return ((y.to(at::kDouble) - exact).abs() / size.clamp_min(1e-30)).max().item<double>();
}

std::vector<form> all_forms() {
  using enum factor_type;
  std::vector<form> forms;
  for (const int bits : {2, 3, 4, 5, 6, 8})
    for (const int64_t group : {16, 32, 64, 96, 0}) {
      forms.push_back({bits, group, f32, none});
      forms.push_back({bits, group, f16, zero_u8});
      forms.push_back({bits, group, bf16, f16});
    }
  for (const int bits : {4, 5}) forms.push_back({bits, 32, step_u8, step_u8});
  forms.push_back({6, 16, step_i8, none});
  for (const int bits : {4, 8}) forms.push_back({bits, 32, e8m0, none, true});
  forms.push_back({4, 16, e4m3, none, true});
  forms.push_back({4, 32, f16, zero_u8, false, true});
  return forms;
}

}  // namespace

TEST_CASE("every kernel equals the plain reference") {
  std::mt19937 random(7);
  for (const form &f : all_forms()) {
    INFO(name_of(f));
    const int64_t columns = f.group == 96 ? 288 : f.group == 16 ? 304 : f.group == 0 ? 213 : 320;
    const packed_matrix m = random_matrix(f, 77, columns, random);
    const at::Tensor w = unpacked(m);
    for (const packed_kernel *kernel : packed_kernels())
      for (const int64_t tokens : {1, 2, 3, 4, 7, 8, 15, 17, 24, 31}) {
        INFO(kernel->name << ", " << tokens << " tokens");
        const at::Tensor x = at::randn({tokens, columns});
        const at::Tensor y = packed_product(m, x, {}, *kernel);
        REQUIRE(y.sizes() == at::IntArrayRef({tokens, 77}));
        CHECK(worst(y, x, w) < 2e-6);
      }
  }
}

TEST_CASE("products that are computed together equal single ones bit for bit") {
  std::mt19937 random(9);
  using enum factor_type;
  const packed_matrix a = random_matrix({4, 32, f16, none}, 77, 320, random),
                      b = random_matrix({4, 32, f16, none}, 16, 320, random),
                      c = random_matrix({8, 64, f32, none}, 130, 320, random),
                      d = random_matrix({4, 32, f16, zero_u8, false, true}, 48, 320, random);
  const std::vector<const packed_matrix *> weights = {&a, &b, &c, &d};
  for (const int64_t tokens : {1, 5, 16, 40}) {
    INFO(tokens << " tokens");
    const at::Tensor x = at::randn({1, tokens, 320});
    const std::vector<at::Tensor> biases = {{}, at::randn({16}), {}, {}};
    const std::vector<at::Tensor> together = packed_products(weights, x, biases);
    REQUIRE(together.size() == 4);
    for (size_t i = 0; i < 4; ++i)
      CHECK(at::equal(together[i], packed_product(*weights[i], x, biases[i])));
  }
}

TEST_CASE("what no kernel can read is refused") {
  packed_matrix m;
  CHECK_THROWS_WITH(shape_matrix(m, 16, 64, 7, 32), assay_test::contains("7 bits have no kernel"));
  CHECK_THROWS_WITH(shape_matrix(m, 16, 60, 4, 20), assay_test::contains("groups of 20"));
  CHECK_THROWS_WITH(shape_matrix(m, 16, 100, 4, 32), assay_test::contains("groups of 32"));
  m.codebook.assign(8, 0.0f);
  CHECK_THROWS_WITH(shape_matrix(m, 16, 64, 3, 32), assay_test::contains("codebook of 3 bits"));
}

TEST_CASE("codes of the 8-bit float E4M3 have their values in every kernel") {
  std::mt19937 random(11);
  packed_matrix m;
  m.scale_type = factor_type::f32;
  for (int code = 0; code < 256; ++code)
    m.codebook.push_back((code & 0x7f) == 0x7f ? 0.0f : widen_e4m3(static_cast<uint8_t>(code)));
  shape_matrix(m, 80, 320, 8, 320);
  std::vector<uint8_t> codes(320);
  for (int64_t row = 0; row < 80; ++row) {
    for (uint8_t &code : codes) do
        code = static_cast<uint8_t>(random());
      while ((code & 0x7f) == 0x7f);
    write_codes(m, row, codes.data());
  }
  fill(m.scales, m.scale_type, random);
  const at::Tensor w = unpacked(m);
  for (const packed_kernel *kernel : packed_kernels())
    for (const int64_t tokens : {1, 3, 8, 20}) {
      INFO(kernel->name << ", " << tokens << " tokens");
      const at::Tensor x = at::randn({tokens, 320});
      CHECK(worst(packed_product(m, x, {}, *kernel), x, w) < 2e-6);
    }
}

TEST_CASE("a bias is added, and leading dimensions stay") {
  std::mt19937 random(8);
  const packed_matrix m =
      random_matrix({4, 32, factor_type::f16, factor_type::none}, 48, 64, random);
  const at::Tensor x = at::randn({2, 3, 64}), bias = at::randn({48});
  const at::Tensor y = packed_product(m, x, bias);
  CHECK(y.sizes() == at::IntArrayRef({2, 3, 48}));
  CHECK(at::allclose(y, at::linear(x, unpacked(m), bias), 1e-4, 1e-4));
  CHECK_THROWS_WITH(packed_product(m, x.to(at::kBFloat16)), assay_test::contains("float32"));
}

TEST_CASE("every int8 kernel gives the plain product of the rounded inputs") {
  std::mt19937 random(9);
  using enum factor_type;
  for (const int bits : {2, 3, 4, 5, 6, 8})
    for (const int64_t group : {32, 64, 0})
      for (const form &f :
           {form{bits, group, f32, none}, form{bits, group, f16, zero_u8, false, true},
            form{bits, group, bf16, f16}}) {
        INFO(name_of(f));
        const int64_t columns = group == 0 ? 213 : 320;
        const packed_matrix m = random_matrix(f, 77, columns, random);
        REQUIRE(multiplies_int8(m));
        const at::Tensor w = unpacked(m);
        for (const int8_kernel *kernel : int8_kernels())
          for (const int64_t tokens : {1, 3, 4, 12, 13, 31}) {
            INFO(kernel->name << ", " << tokens << " tokens");
            const at::Tensor x = at::randn({tokens, columns});
            const at::Tensor scale = x.abs().amax(-1, true).div(127);
            const at::Tensor seen = at::div(x, scale).round().mul(scale);
            CHECK(worst(packed_int8_product(m, x, {}, *kernel), seen, w) < 1e-6);
          }
      }
  CHECK_FALSE(multiplies_int8(random_matrix({4, 16, f16, none}, 16, 32, random)));
  CHECK_FALSE(multiplies_int8(random_matrix({4, 32, f16, none, true}, 16, 32, random)));
}
