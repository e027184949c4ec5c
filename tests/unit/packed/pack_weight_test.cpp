// Checks that packing does not round: after packing and unpacking, every weight equals, bit for bit, the one that the
// reader of its checkpoint dequantizes.
#include "catch.hpp"

#include <ATen/ops/rand.h>
#include <ATen/ops/randperm.h>

#include <random>

#include "checkpoint/gguf/gguf_blocks.hpp"
#include "packed/pack_weight.hpp"

using namespace assay::model;

namespace {

stored_linear random_linear(int64_t rows, int64_t columns, int64_t bits, int64_t groups,
                            at::ScalarType scale) {
  stored_linear s;
  s.name = "model.layers.0.mlp.up_proj";
  s.bits = bits;
  s.group_size = columns / groups;
  s.format = "pack-quantized";
  s.codes = at::randint(-(1 << (bits - 1)), 1 << (bits - 1), {rows, columns}).to(at::kChar);
  s.scales = (at::rand({rows, groups}) * 0.1 + 0.01).to(scale);
  return s;
}

bool same(const stored_linear &s) {
  return at::equal(unpacked(pack_codes(s)), s.dequantize());
}

}  // namespace

TEST_CASE("integer codes of every width, with and without zero points, are moved exactly") {
  for (const int64_t bits : {2, 3, 4, 5, 6, 8})
    for (const int64_t groups : {1, 3, 12}) {
      INFO(bits << " bits, " << groups << " groups");
      stored_linear s =
          random_linear(37, 192, bits, groups, groups == 3 ? at::kHalf : at::kBFloat16);
      CHECK(same(s));
      s.zero_points = at::randint(-(1 << (bits - 1)), 1 << (bits - 1), {37, groups}).to(at::kChar);
      CHECK(same(s));
      s.scales = s.scales.to(at::kFloat) * 1.0001;
      CHECK(same(s));
    }
}

TEST_CASE(
    "columns in another order and one scale for a whole matrix are moved exactly, but a zero point "
    "beyond the range of the codes is rounded") {
  stored_linear s = random_linear(32, 96, 4, 3, at::kHalf);
  s.g_idx = at::randperm(96).remainder(3).to(at::kInt);
  CHECK(same(s));
  s.zero_points = at::randint(-8, 8, {32, 3}).to(at::kShort);
  CHECK(same(s));
  s.g_idx[0] = (s.g_idx[0].item<int32_t>() + 1) % 3;
  CHECK(lacks_kernel(s) == "groups of different sizes have no kernel");

  stored_linear whole = random_linear(32, 64, 8, 1, at::kFloat);
  whole.scales = whole.scales.narrow(0, 0, 1).contiguous();
  CHECK(same(whole));
  whole.scales = whole.scales.expand({32, 1}).contiguous();
  whole.zero_points = at::full({32, 1}, 128, at::kShort);  // the codes end at 127
  const at::Tensor difference = unpacked(pack_codes(whole)) - whole.dequantize();
  CHECK(difference.abs().max().item<float>() < 1e-5f);  // a minimum stands for it, rounded
}

TEST_CASE("float codes are moved exactly") {
  stored_linear s = random_linear(32, 64, 8, 1, at::kBFloat16);
  for (const auto type : {at::kFloat8_e4m3fn, at::kFloat8_e5m2}) {
    s.codes = at::randn({32, 64}).to(type);
    CHECK(same(s));
  }
  stored_linear four = random_linear(32, 64, 4, 4, at::kFloat);
  const at::Tensor values =
      at::tensor({0.0f, 0.5f, 1.0f, 1.5f, 2.0f, 3.0f, 4.0f, 6.0f, -0.5f, -6.0f});
  four.codes = values.index_select(0, at::randint(0, 10, {32 * 64}, at::kLong))
                   .view({32, 64})
                   .to(at::kFloat8_e4m3fn);
  CHECK(same(four));
  four.format = "mxfp4-pack-quantized";
  four.scales = at::pow(2.0, at::randint(-9, 9, {32, 4}).to(at::kFloat));
  CHECK(same(four));
  four.format = "nvfp4-pack-quantized";
  four.scales = (at::rand({32, 4}) * 300 + 1).to(at::kFloat8_e4m3fn);
  four.scale_divisor = at::full({1, 1}, 512.0f);
  CHECK(same(four));
}

TEST_CASE("an infinite scale is refused, and the error names the linear") {
  stored_linear s = random_linear(16, 32, 4, 1, at::kFloat);
  s.scales[3][0] = std::numeric_limits<float>::infinity();
  CHECK_THROWS_WITH(pack_codes(s),
                    assay_test::contains("mlp.up_proj") && assay_test::contains("infinite"));
}

TEST_CASE("GGUF blocks of every type that has codes are moved exactly") {
  std::mt19937 random(3);
  for (const char *name : {"Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0", "Q4_K", "Q5_K", "Q6_K", "Q2_K",
                           "Q3_K", "IQ4_NL", "IQ4_XS"}) {
    INFO(name);
    const ggml_format *format = find_ggml_format(std::string(name));
    const int64_t rows = 24, columns = 512, n = columns / format->block_elements;
    std::vector<uint8_t> bytes(static_cast<size_t>(rows * n * format->block_bytes));
    for (uint8_t &byte : bytes) byte = static_cast<uint8_t>(random());
    const std::string type = name;
    // Random bits may form a float16 that is NaN, so the factors of each block get an upper byte of a small number.
    for (int64_t block = 0; block < rows * n; ++block) {
      uint8_t *at = bytes.data() + block * format->block_bytes;
      if (type == "Q6_K" || type == "Q3_K")
        at[format->block_bytes - 1] = 0x2c;
      else if (type == "Q2_K")
        at[81] = 0x2c, at[83] = 0x28;
      else if (type == "IQ4_NL" || type == "IQ4_XS")
        at[1] = 0x2c;
      else
        at[1] = 0x2c, at[3] = type == "Q8_0" ? at[3] : 0x28;
    }
    at::Tensor w = at::empty({rows, columns});
    for (const int64_t heads : {0, 3}) {
      const stored_blocks blocks{format, bytes.data(), rows, columns, heads};
      for (int64_t row = 0; row < rows; ++row)
        format->dequantize(bytes.data() + blocks.row_in_file(row) * n * format->block_bytes,
                           w.mutable_data_ptr<float>() + row * columns, n);
      const packed_matrix packed = pack_blocks(blocks);
      CHECK(at::equal(unpacked(packed), w));
      // 24 rows fill 1.5 of 2 panels, and the steps of 4 bits of Q2_K take a byte each.
      CHECK(packed.bytes() <= static_cast<int64_t>(bytes.size()) * (type == "Q2_K" ? 17 : 15) / 10);
    }
  }
}
