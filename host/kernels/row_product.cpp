// Runs the dot products of row_product in vectors of 16. The compiler makes one copy of each loop for
// each instruction set. When the program starts, it takes the widest that the processor can run.
#include "kernels/row_product.hpp"

#include <cstring>

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && \
    !defined(__SANITIZE_ADDRESS__)
#define ASSAY_CLONES __attribute__((target_clones("avx512f", "arch=haswell", "default")))
#else
#define ASSAY_CLONES
#endif
#define ASSAY_INLINE [[gnu::always_inline]] inline

namespace assay::model {
namespace {

typedef float floats __attribute__((vector_size(64)));
typedef uint32_t words __attribute__((vector_size(64)));
typedef float floats_anywhere __attribute__((vector_size(64), aligned(4), may_alias));
typedef uint16_t halves __attribute__((vector_size(32), aligned(2), may_alias));

constexpr int k_lanes = 16;

template <row_type Type>
ASSAY_INLINE void load(const uint8_t *from, floats &out) {
  if constexpr (Type == row_type::f32) {
    out = *reinterpret_cast<const floats_anywhere *>(from);
  } else {
    const words bits = __builtin_convertvector(*reinterpret_cast<const halves *>(from), words);
    if constexpr (Type == row_type::bf16) {
      out = __builtin_bit_cast(floats, bits << 16);
    } else {
      // As bits of a float, the exponent is 112 too small; the factor 2^112 corrects it, and makes
      // subnormals right too.
      const words magnitude = bits & 0x7fffu;
      const words wide =
          __builtin_bit_cast(words, __builtin_bit_cast(floats, magnitude << 13) * 0x1p112f);
      const words beyond = __builtin_bit_cast(words, magnitude >= 0x7c00u);  // infinity, NaN
      const words special = 0x7f800000u | magnitude << 13;
      out = __builtin_bit_cast(floats,
                               (bits & 0x8000u) << 16 | (wide & ~beyond) | (special & beyond));
    }
  }
}

// The last k % 16 weights of a row, filled up with zeros.
template <row_type Type>
ASSAY_INLINE void load_rest(const uint8_t *from, int64_t count, floats &out) {
  alignas(64) uint8_t filled[64] = {};
  std::memcpy(filled, from, static_cast<size_t>(count * bytes_of(Type)));
  load<Type>(filled, out);
}

ASSAY_INLINE float sum_of(const floats &v) {
  float sum = 0;
  for (int i = 0; i < k_lanes; ++i) sum += v[i];
  return sum;
}

// Multiplies several rows at once: while the processor finishes one multiply-add of a sum, it works on
// the sums of the other rows.
template <row_type Type, int Tokens, int Rows>
ASSAY_INLINE void block(const float *x, const uint8_t *weight, int64_t k, float *out,
                        int64_t out_stride) {
  const int64_t row_bytes = k * bytes_of(Type), whole = k / k_lanes * k_lanes;
  floats sum[Rows][Tokens] = {};
  for (int64_t i = 0; i < whole; i += k_lanes) {
    floats w[Rows];
#pragma GCC unroll 4
    for (int r = 0; r < Rows; ++r) {
      const uint8_t *from = weight + r * row_bytes + i * bytes_of(Type);
      // Fetches the next rows early, because the processor predicts one long run of addresses, but
      // not several short ones.
      __builtin_prefetch(from + Rows * row_bytes);
      load<Type>(from, w[r]);
    }
#pragma GCC unroll 4
    for (int t = 0; t < Tokens; ++t) {
      floats values;
      load<row_type::f32>(reinterpret_cast<const uint8_t *>(x + t * k + i), values);
#pragma GCC unroll 4
      for (int r = 0; r < Rows; ++r) sum[r][t] += w[r] * values;
    }
  }
  if (whole < k)
    for (int r = 0; r < Rows; ++r)
      for (int t = 0; t < Tokens; ++t) {
        floats w, values;
        load_rest<Type>(weight + r * row_bytes + whole * bytes_of(Type), k - whole, w);
        load_rest<row_type::f32>(reinterpret_cast<const uint8_t *>(x + t * k + whole), k - whole,
                                 values);
        sum[r][t] += w * values;
      }
  for (int r = 0; r < Rows; ++r)
    for (int t = 0; t < Tokens; ++t) out[t * out_stride + r] = sum_of(sum[r][t]);
}

template <row_type Type, int Tokens>
ASSAY_INLINE void rows_of(const float *x, const uint8_t *weight, int64_t k, int64_t n, float *out,
                          int64_t out_stride) {
  int64_t row = 0;
  for (; row + 4 <= n; row += 4)
    block<Type, Tokens, 4>(x, weight + row * k * bytes_of(Type), k, out + row, out_stride);
  for (; row < n; ++row)
    block<Type, Tokens, 1>(x, weight + row * k * bytes_of(Type), k, out + row, out_stride);
}

// One function for each kind of weight and number of tokens, because the compiler clones plain
// functions, but no templates.
#define ASSAY_ROWS(type, tokens)                                                                 \
  ASSAY_CLONES void type##_##tokens(const float *x, const uint8_t *weight, int64_t k, int64_t n, \
                                    float *out, int64_t out_stride) {                            \
    rows_of<row_type::type, tokens>(x, weight, k, n, out, out_stride);                           \
  }
ASSAY_ROWS(f32, 1)
ASSAY_ROWS(f32, 2)
ASSAY_ROWS(f32, 4)
ASSAY_ROWS(bf16, 1)
ASSAY_ROWS(bf16, 2)
ASSAY_ROWS(bf16, 4)
ASSAY_ROWS(f16, 1)
ASSAY_ROWS(f16, 2)
ASSAY_ROWS(f16, 4)
#undef ASSAY_ROWS

using rows_function = void (*)(const float *, const uint8_t *, int64_t, int64_t, float *, int64_t);

struct rows_functions {
  rows_function one, two, four;
};

rows_functions functions_of(row_type type) {
  if (type == row_type::f32) return {f32_1, f32_2, f32_4};
  if (type == row_type::bf16) return {bf16_1, bf16_2, bf16_4};
  return {f16_1, f16_2, f16_4};
}

constexpr int64_t k_piece =
    128 << 10;  // bytes of weights that stay in the cache while all tokens use them

}  // namespace

void row_product(const float *x, int64_t tokens, const void *weight, row_type type, int64_t k,
                 int64_t first, int64_t last, float *out, int64_t out_stride) {
  const rows_functions run = functions_of(type);
  const int64_t row_bytes = k * bytes_of(type);
  const int64_t at_once = tokens <= 4 ? last - first : 4 + k_piece / row_bytes / 4 * 4;
  for (int64_t row = first; row < last; row += at_once) {
    const int64_t n = last - row < at_once ? last - row : at_once;
    const uint8_t *from = static_cast<const uint8_t *>(weight) + row * row_bytes;
    int64_t token = 0;
    for (; token + 4 <= tokens; token += 4)
      run.four(x + token * k, from, k, n, out + token * out_stride + row, out_stride);
    for (; token + 2 <= tokens; token += 2)
      run.two(x + token * k, from, k, n, out + token * out_stride + row, out_stride);
    if (token < tokens)
      run.one(x + token * k, from, k, n, out + token * out_stride + row, out_stride);
  }
}

}  // namespace assay::model
