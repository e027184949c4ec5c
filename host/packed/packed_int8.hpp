// Computes a linear from packed codes and inputs that are rounded to int8 for each token (W8A8, W4A8).
// The rounding is that of the activation scheme "int, 8 bits, per token, symmetric"
// (quant/schemes/activation.hpp), so the result is that of fake quantization, except that the sums of
// whole numbers are exact here.
#pragma once

#include "aten.hpp"
#include "packed/int8_kernel.hpp"
#include "packed/packed_matrix.hpp"

namespace assay::model {

// Returns whether packed_int8_product() can multiply this matrix.
bool multiplies_int8(const packed_matrix &weight);
// x [.., in] fp32 on the CPU, bias [out] fp32 or undefined -> [.., out] fp32, a new tensor.
at::Tensor packed_int8_product(const packed_matrix &weight, const at::Tensor &x,
                               const at::Tensor &bias = {});
// The same with the given kernel, one of int8_kernels(), for tests and measurements.
at::Tensor packed_int8_product(const packed_matrix &weight, const at::Tensor &x,
                               const at::Tensor &bias, const int8_kernel &kernel);

}  // namespace assay::model
