// Dequantizes blocks of ggml, llama.cpp's tensor library. A block is a run of weights that share
// scales. Each function follows its formula; products and sums stay separate (-ffp-contract=off),
// so that the result equals ggml's bit for bit on every machine.
#include "checkpoint/gguf/gguf_blocks.hpp"

#include <cstring>

#include "kernels/clones.hpp"
#include "kernels/widen.hpp"

namespace assay::model {
namespace {

float half_at(const uint8_t *in) {
  uint16_t bits;
  std::memcpy(&bits, in, 2);
  return widen_half(bits);
}

ASSAY_CLONES void from_f32(const uint8_t *in, float *out, int64_t n) {
  std::memcpy(out, in, static_cast<size_t>(n) * 4);
}

ASSAY_CLONES void from_f16(const uint8_t *in, float *out, int64_t n) {
  for (int64_t i = 0; i < n; ++i) out[i] = half_at(in + 2 * i);
}

ASSAY_CLONES void from_bf16(const uint8_t *in, float *out, int64_t n) {
  for (int64_t i = 0; i < n; ++i) {
    uint16_t bits;
    std::memcpy(&bits, in + 2 * i, 2);
    const uint32_t wide = static_cast<uint32_t>(bits) << 16;
    std::memcpy(out + i, &wide, 4);
  }
}

// In the formulas x is a weight, q its stored code, d the block's scale and m the block's minimum.
// x = d q
ASSAY_CLONES void from_q8_0(const uint8_t *in, float *out, int64_t n) {
  for (int64_t b = 0; b < n; ++b, in += 34, out += 32) {
    const float d = half_at(in);
    int8_t q[32];
    std::memcpy(q, in + 2, 32);
    for (int j = 0; j < 32; ++j) out[j] = d * static_cast<float>(q[j]);
  }
}

// x = d (q - 8). Element j is the low nibble (4 bits) of byte j, element j + 16 the high nibble.
ASSAY_CLONES void from_q4_0(const uint8_t *in, float *out, int64_t n) {
  for (int64_t b = 0; b < n; ++b, in += 18, out += 32) {
    const float d = half_at(in);
    for (int j = 0; j < 16; ++j) {
      out[j] = d * static_cast<float>((in[2 + j] & 15) - 8);
      out[j + 16] = d * static_cast<float>((in[2 + j] >> 4) - 8);
    }
  }
}

// x = d q + m, with nibbles as in Q4_0.
ASSAY_CLONES void from_q4_1(const uint8_t *in, float *out, int64_t n) {
  for (int64_t b = 0; b < n; ++b, in += 20, out += 32) {
    const float d = half_at(in), m = half_at(in + 2);
    for (int j = 0; j < 16; ++j) {
      out[j] = d * static_cast<float>(in[4 + j] & 15) + m;
      out[j + 16] = d * static_cast<float>(in[4 + j] >> 4) + m;
    }
  }
}

// x = d (q - 16), with nibbles as in Q4_0. The fifth bit of element j is bit j of a u32.
ASSAY_CLONES void from_q5_0(const uint8_t *in, float *out, int64_t n) {
  for (int64_t b = 0; b < n; ++b, in += 22, out += 32) {
    const float d = half_at(in);
    uint32_t high;
    std::memcpy(&high, in + 2, 4);
    for (int j = 0; j < 16; ++j) {
      const int low = static_cast<int>((in[6 + j] & 15) | (high >> j & 1) << 4);
      const int up = static_cast<int>((in[6 + j] >> 4) | (high >> (j + 16) & 1) << 4);
      out[j] = d * static_cast<float>(low - 16);
      out[j + 16] = d * static_cast<float>(up - 16);
    }
  }
}

// x = d q + m, with codes of five bits as in Q5_0.
ASSAY_CLONES void from_q5_1(const uint8_t *in, float *out, int64_t n) {
  for (int64_t b = 0; b < n; ++b, in += 24, out += 32) {
    const float d = half_at(in), m = half_at(in + 2);
    uint32_t high;
    std::memcpy(&high, in + 4, 4);
    for (int j = 0; j < 16; ++j) {
      const int low = static_cast<int>((in[8 + j] & 15) | (high >> j & 1) << 4);
      const int up = static_cast<int>((in[8 + j] >> 4) | (high >> (j + 16) & 1) << 4);
      out[j] = d * static_cast<float>(low) + m;
      out[j + 16] = d * static_cast<float>(up) + m;
    }
  }
}

// A block of Q4_K or Q5_K has 256 weights in 8 sub-blocks of 32. Each sub-block has a scale and a minimum.
struct scale_min {
  float scale, min;
};
// Unpacks the 6-bit scale and minimum of sub-block j from the 12 bytes at s, and multiplies them by
// the block's d and dmin.
scale_min k_scale(const uint8_t *s, int j, float d, float dmin) {
  const int sc = j < 4 ? s[j] & 63 : (s[j + 4] & 15) | ((s[j - 4] >> 6) << 4);
  const int mn = j < 4 ? s[j + 4] & 63 : (s[j + 4] >> 4) | ((s[j] >> 6) << 4);
  return {d * static_cast<float>(sc), dmin * static_cast<float>(mn)};
}

// x = scale q - min, with scale and min of the sub-block (k_scale). Each 32 bytes hold 64 elements:
// first the low nibbles, then the high nibbles.
ASSAY_CLONES void from_q4_k(const uint8_t *in, float *out, int64_t n) {
  for (int64_t b = 0; b < n; ++b, in += 144) {
    const float d = half_at(in), dmin = half_at(in + 2);
    const uint8_t *q = in + 16;
    for (int c = 0; c < 4; ++c, q += 32, out += 64) {
      const scale_min low = k_scale(in + 4, 2 * c, d, dmin),
                      high = k_scale(in + 4, 2 * c + 1, d, dmin);
      for (int l = 0; l < 32; ++l) {
        out[l] = low.scale * static_cast<float>(q[l] & 15) - low.min;
        out[l + 32] = high.scale * static_cast<float>(q[l] >> 4) - high.min;
      }
    }
  }
}

// The same formula as for Q4_K. The fifth bit of each code is in `high`.
ASSAY_CLONES void from_q5_k(const uint8_t *in, float *out, int64_t n) {
  for (int64_t b = 0; b < n; ++b, in += 176) {
    const float d = half_at(in), dmin = half_at(in + 2);
    const uint8_t *high = in + 16, *q = in + 48;
    for (int c = 0; c < 4; ++c, q += 32, out += 64) {
      const scale_min first = k_scale(in + 4, 2 * c, d, dmin),
                      second = k_scale(in + 4, 2 * c + 1, d, dmin);
      for (int l = 0; l < 32; ++l) {
        const int low = (q[l] & 15) | (high[l] >> (2 * c) & 1) << 4;
        const int up = (q[l] >> 4) | (high[l] >> (2 * c + 1) & 1) << 4;
        out[l] = first.scale * static_cast<float>(low) - first.min;
        out[l + 32] = second.scale * static_cast<float>(up) - second.min;
      }
    }
  }
}

// x = d s (q - 32), where s is the 8-bit scale of a sub-block of 16. d is at the end of the block. The block is two
// halves of 128 elements, counted by h. The low 4 bits of the codes are at ql, their high 2 bits at qh.
ASSAY_CLONES void from_q6_k(const uint8_t *in, float *out, int64_t n) {
  for (int64_t b = 0; b < n; ++b, in += 210) {
    const float d = half_at(in + 208);
    for (int h = 0; h < 2; ++h, out += 128) {
      const uint8_t *ql = in + 64 * h, *qh = in + 128 + 32 * h;
      int8_t s[8];
      std::memcpy(s, in + 192 + 8 * h, 8);
      for (int l = 0; l < 32; ++l) {
        const int k = l / 16;
        const int q0 = (ql[l] & 15) | (qh[l] & 3) << 4, q1 = (ql[l + 32] & 15) | (qh[l] >> 2 & 3)
                                                                                     << 4;
        const int q2 = (ql[l] >> 4) | (qh[l] >> 4 & 3) << 4,
                  q3 = (ql[l + 32] >> 4) | (qh[l] >> 6 & 3) << 4;
        out[l] = d * static_cast<float>(s[k]) * static_cast<float>(q0 - 32);
        out[l + 32] = d * static_cast<float>(s[k + 2]) * static_cast<float>(q1 - 32);
        out[l + 64] = d * static_cast<float>(s[k + 4]) * static_cast<float>(q2 - 32);
        out[l + 96] = d * static_cast<float>(s[k + 6]) * static_cast<float>(q3 - 32);
      }
    }
  }
}

// x = scale q - min, with scale and min of a sub-block of 16: the low and the high nibble of a byte of
// the first 16, times d and dmin at the end of the block. Four codes of 2 bits share a byte of q.
ASSAY_CLONES void from_q2_k(const uint8_t *in, float *out, int64_t n) {
  for (int64_t b = 0; b < n; ++b, in += 84) {
    const float d = half_at(in + 80), dmin = half_at(in + 82);
    for (int part = 0; part < 8; ++part, out += 32) {
      const uint8_t *q = in + 16 + 32 * (part / 4);
      for (int half = 0; half < 2; ++half) {
        const int byte = in[2 * part + half];
        const float scale = d * static_cast<float>(byte & 15),
                    min = dmin * static_cast<float>(byte >> 4);
        for (int l = 16 * half; l < 16 * half + 16; ++l)
          out[l] = scale * static_cast<float>(q[l] >> (2 * (part % 4)) & 3) - min;
      }
    }
  }
}

// The 6-bit scale of sub-block j of Q3_K, less 32: 4 bits in the 8 bytes at s, 2 bits in the 4 after.
int q3_scale(const uint8_t *s, int j) {
  const int low = j < 8 ? s[j] & 15 : s[j - 8] >> 4;
  return (low | (s[8 + j % 4] >> (2 * (j / 4)) & 3) << 4) - 32;
}

// x = d s (q - 4), where s is the scale of a sub-block of 16. The third bit of each code is in the
// first 32 bytes: bit k of byte l for element 32 k + l.
ASSAY_CLONES void from_q3_k(const uint8_t *in, float *out, int64_t n) {
  for (int64_t b = 0; b < n; ++b, in += 110) {
    const float d = half_at(in + 108);
    for (int part = 0; part < 8; ++part, out += 32) {
      const uint8_t *q = in + 32 + 32 * (part / 4);
      for (int half = 0; half < 2; ++half) {
        const float scale = d * static_cast<float>(q3_scale(in + 96, 2 * part + half));
        for (int l = 16 * half; l < 16 * half + 16; ++l) {
          const int code = (q[l] >> (2 * (part % 4)) & 3) | (in[l] >> part & 1) << 2;
          out[l] = scale * static_cast<float>(code - 4);
        }
      }
    }
  }
}

// x = scale v[q] for 32 weights, with the fixed values v and nibbles as in Q4_0.
inline void from_values(const uint8_t *q, float scale, float *out) {
  for (int j = 0; j < 16; ++j) {
    out[j] = scale * k_iq4_values[q[j] & 15];
    out[j + 16] = scale * k_iq4_values[q[j] >> 4];
  }
}

// x = d v[q]
void from_iq4_nl(const uint8_t *in, float *out, int64_t n) {
  for (int64_t b = 0; b < n; ++b, in += 18, out += 32) from_values(in + 2, half_at(in), out);
}

// x = d s v[q], where s is the 6-bit scale of a sub-block of 32, less 32: its upper 2 bits stand in a
// u16 after d, its lower 4 bits in the 4 bytes after.
void from_iq4_xs(const uint8_t *in, float *out, int64_t n) {
  for (int64_t b = 0; b < n; ++b, in += 136) {
    const float d = half_at(in);
    for (int j = 0; j < 8; ++j, out += 32) {
      const int low = in[4 + j / 2] >> (4 * (j % 2)) & 15,
                high = in[2 + j / 4] >> (2 * (j % 4)) & 3;
      from_values(in + 8 + 16 * j, d * static_cast<float>((low | high << 4) - 32), out);
    }
  }
}

constexpr ggml_format k_formats[] = {{0, "F32", 1, 4, 32, 0, 0, from_f32},
                                     {1, "F16", 1, 2, 16, 0, 0, from_f16},
                                     {30, "BF16", 1, 2, 16, 0, 0, from_bf16},
                                     {8, "Q8_0", 32, 34, 8.5, 8, 32, from_q8_0},
                                     {2, "Q4_0", 32, 18, 4.5, 4, 32, from_q4_0},
                                     {3, "Q4_1", 32, 20, 5, 4, 32, from_q4_1},
                                     {6, "Q5_0", 32, 22, 5.5, 5, 32, from_q5_0},
                                     {7, "Q5_1", 32, 24, 6, 5, 32, from_q5_1},
                                     {12, "Q4_K", 256, 144, 4.5, 4, 32, from_q4_k},
                                     {13, "Q5_K", 256, 176, 5.5, 5, 32, from_q5_k},
                                     {14, "Q6_K", 256, 210, 6.5625, 6, 16, from_q6_k},
                                     {10, "Q2_K", 256, 84, 2.625, 2, 16, from_q2_k},
                                     {11, "Q3_K", 256, 110, 3.4375, 3, 16, from_q3_k},
                                     {20, "IQ4_NL", 32, 18, 4.5, 4, 32, from_iq4_nl},
                                     {23, "IQ4_XS", 256, 136, 4.25, 4, 32, from_iq4_xs}};

}  // namespace

const ggml_format *find_ggml_format(int type) {
  for (const ggml_format &format : k_formats)
    if (format.type == type) return &format;
  return nullptr;
}

const ggml_format *find_ggml_format(const std::string &name) {
  for (const ggml_format &format : k_formats)
    if (name == format.name) return &format;
  return nullptr;
}

std::string supported_ggml_formats() {
  std::string list;
  for (const ggml_format &format : k_formats)
    list += (list.empty() ? "" : ", ") + std::string(format.name);
  return list;
}

bool all_finite(const float *values, int64_t n) {
  constexpr uint32_t k_exponent = 0x7f800000u;  // all ones: infinite or NaN (IEEE 754, section 3.4)
  uint32_t broken = 0;
  for (int64_t i = 0; i < n; ++i) {
    uint32_t bits;
    std::memcpy(&bits, values + i, sizeof bits);
    broken |= static_cast<uint32_t>((bits & k_exponent) == k_exponent);
  }
  return broken == 0;
}

}  // namespace assay::model
