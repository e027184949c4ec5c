// Unpacks four-bit floats of checkpoints, two in a byte, and scales that are stored as exponents
// (FORMATS.md, "compressed-tensors tensors"). bit_packing.hpp unpacks integer codes.
#pragma once

#include "aten.hpp"

namespace assay::model {

// packed: [out, in / 2] uint8, the first value in the low half of a byte. E2M1 means 2
// exponent bits and 1 mantissa bit. Returns [out, in] float8_e4m3fn, a type that can hold
// every E2M1 number exactly.
at::Tensor unpack_e2m1(const at::Tensor &packed);
// exponents: uint8, where e stands for 2^(e - 127). Returns these powers in fp32; e = 255 gives NaN.
at::Tensor powers_of_two(const at::Tensor &exponents);

}  // namespace assay::model
