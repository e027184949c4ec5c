// Four-bit floats as checkpoints hold them: two to a byte, scales of eight bits. formats.md 4.3.
// Not a quantizer; integer codes are bit_packing.hpp.
#pragma once

#include "aten.hpp"

namespace assay::model {

// [out, in / 2] uint8, low half first -> [out, in] float8_e4m3fn, which holds every E2M1 number.
at::Tensor unpack_e2m1(const at::Tensor &packed);
// Exponents + 127, uint8 -> powers of two, fp32. 255 is NaN.
at::Tensor powers_of_two(const at::Tensor &exponents);

}  // namespace assay::model
