// Packs GGUF blocks (checkpoint/FORMATS.md, "GGUF blocks"): codes and factors are moved, none is rounded.
#include <algorithm>
#include <cstring>
#include <vector>

#include "checkpoint/gguf/gguf_blocks.hpp"
#include "core/error.hpp"
#include "kernels/threads.hpp"
#include "packed/pack_weight.hpp"

namespace assay::model {
namespace {

// One row while it is packed: codes [columns], and the bytes of its factors, one group after another.
struct row_parts {
  std::vector<uint8_t> codes, scales, minima, super_scales, super_minima;
};

void append(std::vector<uint8_t> &to, const uint8_t *from, size_t n) {
  to.insert(to.end(), from, from + n);
}

// Appends 32 codes of 4 bits: code j is the low half of byte j, code j + 16 is the high half.
void nibbles(const uint8_t *in, std::vector<uint8_t> &codes) {
  for (int j = 0; j < 16; ++j) codes.push_back(in[j] & 15);
  for (int j = 0; j < 16; ++j) codes.push_back(in[j] >> 4);
}

void add_fifth_bits(const uint8_t *in, uint8_t *codes) {
  uint32_t high;
  std::memcpy(&high, in, 4);
  for (int j = 0; j < 32; ++j) codes[j] |= static_cast<uint8_t>((high >> j & 1) << 4);
}

void read_q4(const uint8_t *in, bool minimum, row_parts &row) {
  append(row.scales, in, 2);
  if (minimum) append(row.minima, in + 2, 2);
  nibbles(in + (minimum ? 4 : 2), row.codes);
}

void read_q5(const uint8_t *in, bool minimum, row_parts &row) {
  append(row.scales, in, 2);
  if (minimum) append(row.minima, in + 2, 2);
  in += minimum ? 4 : 2;
  nibbles(in + 4, row.codes);
  add_fifth_bits(in, row.codes.data() + row.codes.size() - 32);
}

void read_q8(const uint8_t *in, row_parts &row) {
  append(row.scales, in, 2);
  for (int j = 0; j < 32; ++j) row.codes.push_back(static_cast<uint8_t>(in[2 + j] ^ 0x80));
}

// The 6-bit scales and minima of 8 groups of 32 (Q4_K, Q5_K).
void read_steps(const uint8_t *s, row_parts &row) {
  for (int j = 0; j < 8; ++j) {
    row.scales.push_back(
        static_cast<uint8_t>(j < 4 ? s[j] & 63 : (s[j + 4] & 15) | (s[j - 4] >> 6) << 4));
    row.minima.push_back(
        static_cast<uint8_t>(j < 4 ? s[j + 4] & 63 : s[j + 4] >> 4 | (s[j] >> 6) << 4));
  }
}

void read_q4_k(const uint8_t *in, bool fifth, row_parts &row) {
  append(row.super_scales, in, 2);
  append(row.super_minima, in + 2, 2);
  read_steps(in + 4, row);
  const uint8_t *high = in + 16, *q = in + (fifth ? 48 : 16);
  for (int c = 0; c < 4; ++c, q += 32)
    for (int half = 0; half < 2; ++half)
      for (int l = 0; l < 32; ++l) {
        const int low = half == 0 ? q[l] & 15 : q[l] >> 4;
        const int fifth_bit = fifth ? (high[l] >> (2 * c + half) & 1) << 4 : 0;
        row.codes.push_back(static_cast<uint8_t>(low | fifth_bit));
      }
}

void read_q6_k(const uint8_t *in, row_parts &row) {
  append(row.super_scales, in + 208, 2);
  append(row.scales, in + 192, 16);
  for (int h = 0; h < 2; ++h) {
    const uint8_t *ql = in + 64 * h, *qh = in + 128 + 32 * h;
    for (int quarter = 0; quarter < 4; ++quarter)
      for (int l = 0; l < 32; ++l) {
        const int byte = ql[l + quarter % 2 * 32];
        const int low = quarter < 2 ? byte & 15 : byte >> 4;
        row.codes.push_back(static_cast<uint8_t>(low | (qh[l] >> (2 * quarter) & 3) << 4));
      }
  }
}

// The 16 steps and minima of Q2_K, and its codes of 2 bits, four in a byte.
void read_q2_k(const uint8_t *in, row_parts &row) {
  append(row.super_scales, in + 80, 2);
  append(row.super_minima, in + 82, 2);
  for (int j = 0; j < 16; ++j) {
    row.scales.push_back(in[j] & 15);
    row.minima.push_back(in[j] >> 4);
  }
  for (int part = 0; part < 8; ++part)
    for (int l = 0; l < 32; ++l)
      row.codes.push_back(in[16 + 32 * (part / 4) + l] >> (2 * (part % 4)) & 3);
}

// Steps are stored with 32 added.
uint8_t signed_step(int low, int high) {
  return static_cast<uint8_t>(static_cast<int8_t>((low | high << 4) - 32));
}

void read_q3_k(const uint8_t *in, row_parts &row) {
  append(row.super_scales, in + 108, 2);
  const uint8_t *s = in + 96;
  for (int j = 0; j < 16; ++j)
    row.scales.push_back(
        signed_step(j < 8 ? s[j] & 15 : s[j - 8] >> 4, s[8 + j % 4] >> (2 * (j / 4)) & 3));
  for (int part = 0; part < 8; ++part)
    for (int l = 0; l < 32; ++l)
      row.codes.push_back(static_cast<uint8_t>(
          (in[32 + 32 * (part / 4) + l] >> (2 * (part % 4)) & 3) | (in[l] >> part & 1) << 2));
}

void read_iq4_xs(const uint8_t *in, row_parts &row) {
  append(row.super_scales, in, 2);
  for (int j = 0; j < 8; ++j) {
    row.scales.push_back(
        signed_step(in[4 + j / 2] >> (4 * (j % 2)) & 15, in[2 + j / 4] >> (2 * (j % 4)) & 3));
    nibbles(in + 8 + 16 * j, row.codes);
  }
}

struct block_kind {
  int type;  // ggml's number of the format
  int bits;
  int64_t group;
  float shift;
  factor_type scale, minimum;
  int64_t super;  // groups of a super-block; 0 = none
  void (*read)(const uint8_t *in, row_parts &row);
  const float *codebook = nullptr;  // 2^bits values of the codes; nullptr: shift + code
};

using enum factor_type;
// Q4_0, Q4_1, Q5_0, Q5_1, Q8_0, Q4_K, Q5_K and Q6_K, in this order.
constexpr block_kind k_kinds[] = {
    {2, 4, 32, -8, f16, none, 0,
     [](const uint8_t *in, row_parts &row) { read_q4(in, false, row); }},
    {3, 4, 32, 0, f16, f16, 0, [](const uint8_t *in, row_parts &row) { read_q4(in, true, row); }},
    {6, 5, 32, -16, f16, none, 0,
     [](const uint8_t *in, row_parts &row) { read_q5(in, false, row); }},
    {7, 5, 32, 0, f16, f16, 0, [](const uint8_t *in, row_parts &row) { read_q5(in, true, row); }},
    {8, 8, 32, -128, f16, none, 0, [](const uint8_t *in, row_parts &row) { read_q8(in, row); }},
    {12, 4, 32, 0, step_u8, step_u8, 8,
     [](const uint8_t *in, row_parts &row) { read_q4_k(in, false, row); }},
    {13, 5, 32, 0, step_u8, step_u8, 8,
     [](const uint8_t *in, row_parts &row) { read_q4_k(in, true, row); }},
    {14, 6, 16, -32, step_i8, none, 16,
     [](const uint8_t *in, row_parts &row) { read_q6_k(in, row); }},
    {10, 2, 16, 0, step_u8, step_u8, 16, read_q2_k},
    {11, 3, 16, -4, step_i8, none, 16, read_q3_k},
    {20, 4, 32, 0, f16, none, 0, [](const uint8_t *in, row_parts &row) { read_q4(in, false, row); },
     k_iq4_values},
    {23, 4, 32, 0, step_i8, none, 8, read_iq4_xs, k_iq4_values},
};

const block_kind *kind_of(const stored_blocks &blocks) {
  for (const block_kind &kind : k_kinds)
    if (kind.type == blocks.format->type) return &kind;
  return nullptr;
}

// Copies the factors of one row, [groups] elements of `size` bytes, to their places among the factors
// of the row's panel.
void place_factors(const std::vector<uint8_t> &from, int64_t size, int64_t row, aligned_bytes &to) {
  if (size == 0) return;
  const int64_t groups = static_cast<int64_t>(from.size()) / size;
  for (int64_t group = 0; group < groups; ++group)
    std::memcpy(
        to.data() +
            ((row / k_panel_rows * groups + group) * k_panel_rows + row % k_panel_rows) * size,
        from.data() + group * size, static_cast<size_t>(size));
}

bool all_finite(factor_type type, const aligned_bytes &factors) {
  if (type != factor_type::f16) return true;
  for (int64_t i = 1; i < factors.size(); i += 2)
    if ((factors.data()[i] & 0x7c) == 0x7c) return false;  // the exponent of infinity and NaN
  return true;
}

}  // namespace

std::string lacks_kernel(const stored_blocks &blocks) {
  if (kind_of(blocks) != nullptr) return "";
  return "blocks of " + std::string(blocks.format->name) + " have no kernel";
}

packed_matrix pack_blocks(const stored_blocks &blocks) {
  const block_kind *kind = kind_of(blocks);
  if (kind == nullptr) throw error(error_kind::failed, lacks_kernel(blocks));
  packed_matrix out;
  out.shift = kind->shift;
  out.scale_type = kind->scale;
  out.minimum_type = kind->minimum;
  out.super = kind->super;
  if (kind->codebook != nullptr)
    out.codebook.assign(kind->codebook, kind->codebook + (1 << kind->bits));
  shape_matrix(out, blocks.rows, blocks.columns, kind->bits, kind->group);
  const int64_t n_blocks = blocks.columns / blocks.format->block_elements;
  const int64_t row_bytes = n_blocks * blocks.format->block_bytes;
  parallel_for(0, out.panels(), 1, [&](int64_t first, int64_t last) {
    row_parts parts;
    for (int64_t row = first * k_panel_rows; row < std::min(out.rows, last * k_panel_rows); ++row) {
      parts.codes.clear(), parts.scales.clear(), parts.minima.clear();
      parts.super_scales.clear(), parts.super_minima.clear();
      const uint8_t *in = blocks.bytes + blocks.row_in_file(row) * row_bytes;
      for (int64_t block = 0; block < n_blocks; ++block, in += blocks.format->block_bytes)
        kind->read(in, parts);
      write_codes(out, row, parts.codes.data());
      place_factors(parts.scales, bytes_of(out.scale_type), row, out.scales);
      place_factors(parts.minima, bytes_of(out.minimum_type), row, out.minima);
      if (out.super_scales.size() > 0) place_factors(parts.super_scales, 2, row, out.super_scales);
      if (out.super_minima.size() > 0) place_factors(parts.super_minima, 2, row, out.super_minima);
    }
  });
  if (!all_finite(out.scale_type, out.scales) || !all_finite(out.minimum_type, out.minima) ||
      !all_finite(factor_type::f16, out.super_scales) ||
      !all_finite(factor_type::f16, out.super_minima))
    throw error(error_kind::failed, "a scale is infinite or not a number")
        .hint("The file is damaged or was quantized from broken weights; quantize it again");
  return out;
}

}  // namespace assay::model
