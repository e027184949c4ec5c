// Arithmetic on sixteen floats at a time, with the same bits on every machine. Where registers are
// narrower the compiler splits the vectors. Sums always have sixteen lanes, so the order of additions
// does not depend on the instruction set. The compiler may not fuse a product with a sum in this
// folder (-ffp-contract=off), because that would change the last bits.
#pragma once

#include <assay_grid.hpp>

#include <cstdint>
#include <cstring>

namespace hessian {

constexpr int64_t k_lanes = 16;
typedef float f32x16 __attribute__((vector_size(64)));
typedef int32_t i32x16 __attribute__((vector_size(64)));

// HESSIAN_CLONES compiles a function for several instruction sets; the machine's best one is called.
#define HESSIAN_INLINE static inline __attribute__((always_inline))
#if defined(__x86_64__) && !defined(__SANITIZE_ADDRESS__)
#define HESSIAN_CLONES __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define HESSIAN_CLONES  // one version, since the choice would run before the sanitizer is ready
#endif

HESSIAN_INLINE void load(f32x16 &out, const float *from) {
  std::memcpy(&out, from, sizeof out);
}
HESSIAN_INLINE void store(float *to, const f32x16 &value) {
  std::memcpy(to, &value, sizeof value);
}

using assay_grid::k_round;  // rounds half to even, for |x| < 2^22
// Clamps each x to [lows, highs], then rounds it.
HESSIAN_INLINE void clamp_round(f32x16 &x, const f32x16 &lows, const f32x16 &highs) {
  x = x < lows ? lows : x;
  x = x > highs ? highs : x;
  x = (x + k_round) - k_round;
}

// Replaces x by e^x. x is clamped to [-87, 87]; the relative error is below 1e-6. Let n be the integer
// nearest to x / ln 2, and r = x - n ln 2. Then e^x = 2^n e^r; e^r is a Taylor polynomial of degree 7.
HESSIAN_INLINE void exp_of(f32x16 &x) {
  const f32x16 most = f32x16{} + 87.0f;
  x = x < -most ? -most : x;
  x = x > most ? most : x;
  const f32x16 shifted = x * 1.44269504f + k_round;  // its low bits hold round(x / ln 2)
  const f32x16 n = shifted - k_round;
  const f32x16 r = (x - n * 0.693359375f) + n * 2.12194440e-4f;
  f32x16 y = f32x16{} + 1.0f / 5040;
  y = y * r + 1.0f / 720;
  y = y * r + 1.0f / 120;
  y = y * r + 1.0f / 24;
  y = y * r + 1.0f / 6;
  y = y * r + 0.5f;
  y = y * r + 1.0f;
  y = y * r + 1.0f;
  i32x16 bits;
  std::memcpy(&bits, &shifted, sizeof bits);
  bits = (bits + 127) << 23;
  f32x16 power;
  std::memcpy(&power, &bits, sizeof power);
  x = y * power;
}

// Replaces x by ln x, for normal numbers x > 0. With x = 2^e m and m in [sqrt(1/2), sqrt(2)), ln x =
// e ln 2 + 2 atanh((m - 1) / (m + 1)); the series of atanh ends at the ninth power. The absolute error
// of the second term is below 1e-6.
HESSIAN_INLINE void log_of(f32x16 &x) {
  i32x16 bits;
  std::memcpy(&bits, &x, sizeof bits);
  const i32x16 exponent = (bits - 0x3F3504F3) >> 23;
  bits -= exponent << 23;
  f32x16 m;
  std::memcpy(&m, &bits, sizeof m);
  const f32x16 e = __builtin_convertvector(exponent, f32x16);
  const f32x16 t = (m - 1.0f) / (m + 1.0f), square = t * t;
  f32x16 series = f32x16{} + 1.0f / 9;
  series = series * square + 1.0f / 7;
  series = series * square + 1.0f / 5;
  series = series * square + 1.0f / 3;
  series = series * square + 1.0f;
  x = e * 0.693147181f + 2.0f * t * series;
}

}  // namespace hessian
