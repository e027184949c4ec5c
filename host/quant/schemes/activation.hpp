// Activation schemes: the input of every quantized linear is rounded before the product, as a consumer's kernel does.
// Fake quantization only: packed integer kernels are the model layer's.
#pragma once

#include "aten.hpp"
#include "calibration/statistics.hpp"
#include "core/json.hpp"
#include "model/linear_op.hpp"

namespace assay::quant {

// { bits = 8, type = "int"|"fp8", strategy = "token"|"tensor", dynamic, symmetric = true, clip = 1 }, complete. For each
// token the scale comes from the input itself (dynamic); for a tensor it comes from calibration (static). Throws
// error(usage) for what cannot be.
json complete_activation(const json &scheme);
bool is_static(const json &complete);  // true where calibration must give the ranges
// The statistics that a static scheme needs of a linear's input.
statistics_needs activation_needs(const json &complete);

// A grid of activations: x^ = scale * (code - zero).
struct activation_grid {
  at::Tensor scale, zero;  // f32 [1]; zero undefined where symmetric
};
// From the ranges of a linear's input; throws error(failed) if they are not there.
activation_grid static_grid(const json &complete, const input_statistics &ranges);

// The plain references, one for each kind of grid; rounding is half to even, scales are fp32 whatever the compute dtype.
at::Tensor round_per_token(const at::Tensor &x /*[.., in]*/, int64_t bits, bool symmetric = true,
                           double clip = 1.0);
at::Tensor round_fp8_per_token(const at::Tensor &x, double clip = 1.0);
at::Tensor round_on_grid(const at::Tensor &x, const activation_grid &grid, int64_t bits);
at::Tensor round_fp8_on_grid(const at::Tensor &x, const activation_grid &grid);

// Sets the rounding of a linear's input; grid is for static schemes.
void set_activation(model::linear_op &linear, const json &complete,
                    const activation_grid &grid = {});

}  // namespace assay::quant
