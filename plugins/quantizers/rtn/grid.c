/* Fits the grid of a group of weights (the values that its codes can stand for) and rounds to it.
 * plugins/METHODS.md has the formulas. Other plugins take the same rules from assay_grid.hpp. This
 * file repeats them in C, because rtn is the tutorial and that header is C++. */
#include "grid.h"

#include <string.h>

static uint32_t bits_of(float x) {
  uint32_t u;
  memcpy(&u, &x, sizeof u);
  return u;
}

static float float_of(uint32_t u) {
  float x;
  memcpy(&x, &u, sizeof x);
  return x;
}

/* Converts f32 to f16 and rounds half to even (IEEE 754). 65520 and above become Inf. Values below
 * 2^-14 become subnormal numbers, which keep fewer bits. */
static uint16_t to_f16(float x) {
  const uint32_t u = bits_of(x), sign = (u >> 16) & 0x8000u, magnitude = u & 0x7fffffffu;
  if (magnitude >= 0x47800000u) return (uint16_t)(sign | 0x7c00u); /* 65536 and above */
  if (magnitude < 0x38800000u) /* below 2^-14: adding 0.5 rounds to steps of 2^-24 */
    return (uint16_t)(sign | (bits_of(float_of(magnitude) + 0.5f) - 0x3f000000u));
  const uint32_t rounded = magnitude + 0xfffu + ((magnitude >> 13) & 1u);
  return (uint16_t)(sign | ((rounded - 0x38000000u) >> 13));
}

static float from_f16(uint16_t h) {
  const uint32_t sign = (uint32_t)(h & 0x8000u) << 16, magnitude = h & 0x7fffu;
  if (magnitude >= 0x7c00u) return float_of(sign | 0x7f800000u | (magnitude << 13));
  const float scaled = float_of(magnitude << 13) * float_of(0x77800000u); /* times 2^112, exact */
  return float_of(sign | bits_of(scaled));
}

static uint16_t to_bf16(float x) {
  const uint32_t u = bits_of(x);
  return (uint16_t)((u + 0x7fffu + ((u >> 16) & 1u)) >> 16);
}

int rtn_scale_bits(enum rtn_scale dtype) {
  return dtype == RTN_F32 ? 32 : 16;
}

void rtn_store_scale(enum rtn_scale dtype, void *scales, int64_t i, float value) {
  if (dtype == RTN_F32) ((float *)scales)[i] = value;
  if (dtype == RTN_F16) ((uint16_t *)scales)[i] = to_f16(value);
  if (dtype == RTN_BF16) ((uint16_t *)scales)[i] = to_bf16(value);
}

float rtn_load_scale(enum rtn_scale dtype, const void *scales, int64_t i) {
  if (dtype == RTN_F32) return ((const float *)scales)[i];
  if (dtype == RTN_F16) return from_f16(((const uint16_t *)scales)[i]);
  return float_of((uint32_t)((const uint16_t *)scales)[i] << 16);
}

static float rounded_to(enum rtn_scale dtype, float x) {
  if (dtype == RTN_F32) return x;
  if (dtype == RTN_F16) return from_f16(to_f16(x));
  return float_of((uint32_t)to_bf16(x) << 16);
}

int64_t rtn_find_not_finite(const float *w, int64_t n) {
  uint32_t any = 0;
  for (int64_t i = 0; i < n; ++i) any |= (bits_of(w[i]) & 0x7f800000u) == 0x7f800000u;
  for (int64_t i = 0; any && i < n; ++i)
    if ((bits_of(w[i]) & 0x7f800000u) == 0x7f800000u) return i;
  return -1;
}

/* Writes the scale to out, rounded to the dtype in which it is stored. Codes are chosen after that,
 * so they fit the scale that a file will hold. A scale below the smallest normal number would lose
 * digits or load as zero. A scale beyond the largest finite number would load as infinity. Such a
 * scale becomes the smallest normal or the largest finite number, and out->clamped is set. */
static void store_precision(enum rtn_scale dtype, float ideal, rtn_group *out) {
  const float smallest = dtype == RTN_F16 ? 0x1p-14f : 0x1p-126f;
  const float largest = dtype == RTN_F16    ? 65504.0f
                        : dtype == RTN_BF16 ? 0x1.FEp127f
                                            : 0x1.FFFFFEp127f;
  const float magnitude = ideal < 0 ? -ideal : ideal;
  float end = 0.0f;
  if (magnitude < smallest) end = smallest;
  out->scale = rounded_to(dtype, ideal);
  if (rtn_find_not_finite(&out->scale, 1) >= 0) end = largest;
  out->clamped = end > 0.0f;
  if (out->clamped) out->scale = ideal < 0 ? -end : end;
}

void rtn_fit(const rtn_grid *grid, const float *w, int64_t n, rtn_group *out) {
  float low = 0.0f, high = 0.0f; /* the range always holds zero */
  for (int64_t i = 0; i < n; ++i) {
    low = w[i] < low ? w[i] : low;
    high = w[i] > high ? w[i] : high;
  }
  memset(out, 0, sizeof *out);
  out->scale = 1.0f;
  if (low == 0.0f && high == 0.0f) return; /* all zero: any scale is exact */

  const float half = (float)(1 << (grid->bits - 1)); /* 2^(b-1) */
  const float extreme = -low >= high ? low : high;   /* with its sign; low if both are equal */
  const float top = 2.0f * half - 1.0f;              /* 2^b - 1 */
  if (grid->range == RTN_FULL) {
    store_precision(grid->scale_dtype, -extreme / half, out);
  } else if (grid->range == RTN_NARROW) {
    const float magnitude = extreme < 0 ? -extreme : extreme;
    store_precision(grid->scale_dtype, magnitude / (half - 1.0f), out);
  } else {
    store_precision(grid->scale_dtype, high / top - low / top, out); /* high - low may overflow */
    /* Lies in [0, 2^b - 1], except that the rounded scale may push it slightly above the top. */
    const float zero = -low / out->scale;
    /* The large constant rounds half to even, as in rtn_encode. */
    out->zero = (int32_t)(zero > top ? top : (zero + 12582912.0f) - 12582912.0f);
  }
}

void rtn_encode(const rtn_grid *grid, const rtn_group *group, const float *w, int64_t n,
                uint8_t *codes) {
  /* 1.5 * 2^23: a float of this size has no bits for a fraction. So adding and subtracting it rounds
   * half to even. Unlike a rounding instruction this vectorises without SSE4. */
  const float magic = 12582912.0f, zero = (float)group->zero, scale = group->scale;
  const float half = (float)(1 << (grid->bits - 1));
  const float low = grid->range == RTN_ASYMMETRIC ? 0.0f : -half;
  const float high = grid->range == RTN_ASYMMETRIC ? 2.0f * half - 1.0f : half - 1.0f;
  for (int64_t i = 0; i < n; ++i) {
    float steps = w[i] / scale;
    steps = steps < -512.0f
                ? -512.0f
                : steps; /* beyond every code, yet small enough for the rounding below */
    steps = steps > 512.0f ? 512.0f : steps;
    float code = ((steps + magic) - magic) + zero;
    code = code < low ? low : code;
    code = code > high ? high : code;
    codes[i] = (uint8_t)(int32_t)code; /* a negative code becomes its two's complement byte */
  }
}
