// Rounds the input of quantized linears before the product, as the kernels of consumers do. This is
// fake quantization: the product itself stays in float.
#pragma once

#include "aten.hpp"
#include "calibration/statistics.hpp"
#include "core/json.hpp"
#include "model/linear_op.hpp"

namespace assay::quant {

// Fills the defaults of a scheme: { bits = 8, type = "int"|"fp8", strategy = "token"|"tensor",
// dynamic, symmetric = true, clip = 1 }. With "token" the scale comes from the input itself
// (dynamic), with "tensor" from calibration (static). Throws error(usage) for a scheme that
// cannot be applied.
json complete_activation(const json &scheme);
bool is_static(const json &complete);  // true if calibration must give the ranges
// The statistics of a linear's input that a static scheme needs.
statistics_needs activation_needs(const json &complete);

// A grid of activations: a value is scale * (code - zero).
struct activation_grid {
  at::Tensor scale, zero;  // f32 [1]; zero undefined where symmetric
};
// Makes the grid from the ranges of a linear's input; throws error(failed) if they
// were not measured.
activation_grid static_grid(const json &complete, const input_statistics &ranges);

// Plain roundings, one for each kind of grid: half to even, with fp32 scales whatever
// the compute dtype.
at::Tensor round_per_token(const at::Tensor &x /*[.., in]*/, int64_t bits, bool symmetric = true,
                           double clip = 1.0);
at::Tensor round_fp8_per_token(const at::Tensor &x, double clip = 1.0);
at::Tensor round_on_grid(const at::Tensor &x, const activation_grid &grid, int64_t bits);
at::Tensor round_fp8_on_grid(const at::Tensor &x, const activation_grid &grid);

// Sets the rounding of a linear's input. grid: for static schemes.
void set_activation(model::linear_op &linear, const json &complete,
                    const activation_grid &grid = {});

}  // namespace assay::quant
