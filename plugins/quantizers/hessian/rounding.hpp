// Rounds scales to the dtype in which they are stored, before any code is chosen.
// A code that was chosen for an unrounded scale does not belong to the stored one (formats.md 4).
#pragma once

#include <cstdint>

namespace hessian {

enum class scale_dtype { float16, bfloat16, float32 };

float round_to(scale_dtype dtype, float x);  // half to even; float16 saturates at 65504
bool overflows(scale_dtype dtype, float x);  // x rounds to no finite number of the dtype
float smallest_normal(scale_dtype dtype);
uint16_t float16_bits(float rounded);  // of a value that round_to(float16, .) returned
uint16_t bfloat16_bits(float rounded);

}  // namespace hessian
