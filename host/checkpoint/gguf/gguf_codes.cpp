// Reads the bit fields of each type of block (ggml-org/ggml, src/ggml-common.h, and src/ggml-quants.c, dequantize_row_*).
#include "checkpoint/gguf/gguf_codes.hpp"

#include <cstring>

namespace assay::model {
namespace {

uint8_t byte(int x) {
  return static_cast<uint8_t>(x);
}

// 32 codes of 4 bits: code j is the low half of byte j, code j + 16 is the high half.
void nibbles(const uint8_t *in, uint8_t *codes) {
  for (int j = 0; j < 16; ++j) codes[j] = in[j] & 15;
  for (int j = 0; j < 16; ++j) codes[16 + j] = byte(in[j] >> 4);
}

// A scale, and a minimum if the type has one. Returns what follows.
const uint8_t *halves(const uint8_t *in, const block_parts &to, bool minimum) {
  std::memcpy(to.scales, in, 2);
  if (!minimum) return in + 2;
  std::memcpy(to.minima, in + 2, 2);
  return in + 4;
}

void read_q4(const uint8_t *in, bool minimum, const block_parts &to) {
  nibbles(halves(in, to, minimum), to.codes);
}

void read_q5(const uint8_t *in, bool minimum, const block_parts &to) {
  in = halves(in, to, minimum);
  uint32_t high;
  std::memcpy(&high, in, 4);
  nibbles(in + 4, to.codes);
  for (int j = 0; j < 32; ++j) to.codes[j] |= byte(static_cast<int>((high >> j & 1) << 4));
}

void read_q8(const uint8_t *in, const block_parts &to) {
  in = halves(in, to, false);
  for (int j = 0; j < 32; ++j) to.codes[j] = in[j] ^ 0x80;
}

// The 6-bit scales and minima of 8 groups of 32 (Q4_K, Q5_K).
void read_steps(const uint8_t *s, const block_parts &to) {
  for (int j = 0; j < 8; ++j) {
    to.scales[j] = byte(j < 4 ? s[j] & 63 : (s[j + 4] & 15) | (s[j - 4] >> 6) << 4);
    to.minima[j] = byte(j < 4 ? s[j + 4] & 63 : s[j + 4] >> 4 | (s[j] >> 6) << 4);
  }
}

void read_q4_k(const uint8_t *in, bool fifth, const block_parts &to) {
  std::memcpy(to.super_scales, in, 2);
  std::memcpy(to.super_minima, in + 2, 2);
  read_steps(in + 4, to);
  const uint8_t *high = in + 16, *q = in + (fifth ? 48 : 16);
  uint8_t *codes = to.codes;
  for (int c = 0; c < 4; ++c, q += 32)
    for (int half = 0; half < 2; ++half, codes += 32)
      for (int l = 0; l < 32; ++l) {
        const int low = half == 0 ? q[l] & 15 : q[l] >> 4;
        codes[l] = byte(low | (fifth ? (high[l] >> (2 * c + half) & 1) << 4 : 0));
      }
}

void read_q6_k(const uint8_t *in, const block_parts &to) {
  std::memcpy(to.super_scales, in + 208, 2);
  std::memcpy(to.scales, in + 192, 16);
  uint8_t *codes = to.codes;
  for (int h = 0; h < 2; ++h) {
    const uint8_t *ql = in + 64 * h, *qh = in + 128 + 32 * h;
    for (int quarter = 0; quarter < 4; ++quarter, codes += 32)
      for (int l = 0; l < 32; ++l) {
        const int both = ql[l + quarter % 2 * 32], low = quarter < 2 ? both & 15 : both >> 4;
        codes[l] = byte(low | (qh[l] >> (2 * quarter) & 3) << 4);
      }
  }
}

// 16 steps and minima, and codes of 2 bits, four in a byte.
void read_q2_k(const uint8_t *in, const block_parts &to) {
  std::memcpy(to.super_scales, in + 80, 2);
  std::memcpy(to.super_minima, in + 82, 2);
  for (int j = 0; j < 16; ++j) {
    to.scales[j] = in[j] & 15;
    to.minima[j] = byte(in[j] >> 4);
  }
  for (int part = 0; part < 8; ++part)
    for (int l = 0; l < 32; ++l)
      to.codes[32 * part + l] = in[16 + 32 * (part / 4) + l] >> (2 * (part % 4)) & 3;
}

// Steps are stored with 32 added.
uint8_t step_of(int low, int high) {
  return static_cast<uint8_t>(static_cast<int8_t>((low | high << 4) - 32));
}

void read_q3_k(const uint8_t *in, const block_parts &to) {
  std::memcpy(to.super_scales, in + 108, 2);
  const uint8_t *s = in + 96;
  for (int j = 0; j < 16; ++j)
    to.scales[j] = step_of(j < 8 ? s[j] & 15 : s[j - 8] >> 4, s[8 + j % 4] >> (2 * (j / 4)) & 3);
  for (int part = 0; part < 8; ++part)
    for (int l = 0; l < 32; ++l)
      to.codes[32 * part + l] =
          byte((in[32 + 32 * (part / 4) + l] >> (2 * (part % 4)) & 3) | (in[l] >> part & 1) << 2);
}

void read_iq4_xs(const uint8_t *in, const block_parts &to) {
  std::memcpy(to.super_scales, in, 2);
  for (int j = 0; j < 8; ++j) {
    to.scales[j] = step_of(in[4 + j / 2] >> (4 * (j % 2)) & 15, in[2 + j / 4] >> (2 * (j % 4)) & 3);
    nibbles(in + 8 + 16 * j, to.codes + 32 * j);
  }
}

using enum block_factor;
using in_bytes = const uint8_t *;
using out_parts = const block_parts &;

constexpr block_codes k_codes[] = {
    {2, 4, 32, -8, half, none, 0, [](in_bytes in, out_parts to) { read_q4(in, false, to); },
     nullptr},
    {3, 4, 32, 0, half, half, 0, [](in_bytes in, out_parts to) { read_q4(in, true, to); }, nullptr},
    {6, 5, 32, -16, half, none, 0, [](in_bytes in, out_parts to) { read_q5(in, false, to); },
     nullptr},
    {7, 5, 32, 0, half, half, 0, [](in_bytes in, out_parts to) { read_q5(in, true, to); }, nullptr},
    {8, 8, 32, -128, half, none, 0, read_q8, nullptr},
    {10, 2, 16, 0, unsigned_step, unsigned_step, 4, read_q2_k, nullptr},
    {11, 3, 16, -4, signed_step, none, 6, read_q3_k, nullptr},
    {12, 4, 32, 0, unsigned_step, unsigned_step, 6,
     [](in_bytes in, out_parts to) { read_q4_k(in, false, to); }, nullptr},
    {13, 5, 32, 0, unsigned_step, unsigned_step, 6,
     [](in_bytes in, out_parts to) { read_q4_k(in, true, to); }, nullptr},
    {14, 6, 16, -32, signed_step, none, 8, read_q6_k, nullptr},
    {20, 4, 32, 0, half, none, 0, [](in_bytes in, out_parts to) { read_q4(in, false, to); },
     k_iq4_values},
    {23, 4, 32, 0, signed_step, none, 6, read_iq4_xs, k_iq4_values},
};

}  // namespace

const block_codes *find_block_codes(const ggml_format &format) {
  for (const block_codes &codes : k_codes)
    if (codes.type == format.type) return &codes;
  return nullptr;
}

int64_t factor_bytes(block_factor factor) {
  return factor == none ? 0 : factor == half ? 2 : 1;
}

}  // namespace assay::model
