// Computes a linear of the decoder from packed codes: x Wᵀ, without a copy of the whole weight in
// floats. The loops are in packed_body.hpp; kernels/threads.hpp runs them on threads.
#pragma once

#include <memory>
#include <vector>

#include "aten.hpp"
#include "packed/packed_kernel.hpp"
#include "packed/packed_matrix.hpp"

namespace assay::model {

// x [.., in] fp32 on the CPU, bias [out] fp32 or undefined -> [.., out] fp32, a new tensor. Sums are
// in fp32; their order differs from that of a product with the dequantized weight, so results agree
// to about 1e-6 of the sum of |x w|. No autograd. Throws error(usage) for another dtype or device.
at::Tensor packed_product(const packed_matrix &weight, const at::Tensor &x,
                          const at::Tensor &bias = {});
// The same with the given kernel, one of packed_kernels(), for tests and measurements.
at::Tensor packed_product(const packed_matrix &weight, const at::Tensor &x, const at::Tensor &bias,
                          const packed_kernel &kernel);

// Returns the products of several weights with the same x, each as packed_product gives it. For few tokens the threads
// start once for all of them, because starting them takes as long as a small product. biases: one for each weight.
std::vector<at::Tensor> packed_products(const std::vector<const packed_matrix *> &weights,
                                        const at::Tensor &x, const std::vector<at::Tensor> &biases);

// Returns x as [tokens, in], with its columns in the order of the packed columns.
at::Tensor ordered_columns(const packed_matrix &weight, const at::Tensor &x);

// Returns rows `ids` [n] int64 of the matrix, [n, in] fp32, for the look-up in an embedding.
at::Tensor packed_rows(const packed_matrix &weight, const at::Tensor &ids);
// Returns the whole weight, [out, in] fp32.
at::Tensor unpacked(const packed_matrix &weight);

}  // namespace assay::model
