// Activation schemes: the input of every quantized linear is rounded before the product, as a
// consumer's kernel does.
// Fake quantization only: packed integer kernels are the model layer's.
#pragma once

#include <ATen/ATen.h>

#include "core/json.hpp"
#include "model/linear_op.hpp"

namespace assay::quant {

// { bits = 8, type = "int", strategy = "token", dynamic = true }: one symmetric scale absmax/127
// for each token, codes
// rounded half to even (vLLM's per-token kernel, formats.md 4.5). Throws error(usage) for what is
// not implemented.
json complete_activation(const json &scheme);
at::Tensor round_per_token(const at::Tensor &x /*[.., in]*/, int64_t bits);
void set_activation(model::linear_op &linear, const json &scheme);

}  // namespace assay::quant
