// Sixteen floats at a time, the same bits on every machine.
// Vector extensions are split by the compiler where registers are narrower; sums keep sixteen lanes
// everywhere, so the
// order of additions, hence the result, does not depend on the instruction set (contraction is off
// for this folder).
#pragma once

#include <cstdint>
#include <cstring>

namespace hessian {

constexpr int64_t k_lanes = 16;
typedef float f32x16 __attribute__((vector_size(64)));
typedef int32_t i32x16 __attribute__((vector_size(64)));

#define HESSIAN_INLINE static inline __attribute__((always_inline))
#if defined(__x86_64__) && !defined(__SANITIZE_ADDRESS__)
#define HESSIAN_CLONES __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define HESSIAN_CLONES  // one body: an ifunc is resolved before the sanitizer is ready
#endif

HESSIAN_INLINE void load(f32x16 &out, const float *from) {
  std::memcpy(&out, from, sizeof out);
}
HESSIAN_INLINE void store(float *to, const f32x16 &value) {
  std::memcpy(to, &value, sizeof value);
}

// Half to even, for |x| < 2^22: the constant pushes the fraction out of the mantissa.
constexpr float k_round = 12582912.0f;
HESSIAN_INLINE void clamp_round(f32x16 &x, const f32x16 &lows, const f32x16 &highs) {
  x = x < lows ? lows : x;
  x = x > highs ? highs : x;
  x = (x + k_round) - k_round;
}

}  // namespace hessian
