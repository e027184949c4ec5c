// Rounds the inputs of quantized linears before the product, as the kernels of programs that
// load the model do. This is fake quantization: the product itself stays in float, except where a
// packed weight is multiplied by int8 codes (linear_op::rounds_to_int8). A scheme says how to round.
#pragma once

#include "aten.hpp"
#include "calibration/statistics.hpp"
#include "core/json.hpp"
#include "model/linear_op.hpp"

namespace assay::quant {

// Returns the scheme with its defaults filled in: { bits = 8, type = "int"|"fp8",
// strategy = "token"|"tensor", dynamic, symmetric = true, clip = 1 }. With "token" the scale comes
// from the input itself, so dynamic is true. With "tensor" the scale comes from calibration, so
// dynamic is false. clip: the share of the numbers' range that the grid covers. Throws error(usage)
// for a scheme that cannot be applied.
json complete_activation(const json &scheme);
bool is_static(const json &complete);  // true if calibration must give the ranges
// The statistics of a linear's input that a static scheme needs; none for a dynamic scheme.
statistics_needs activation_needs(const json &complete);

// The grid of a static scheme: each code has the value scale * (code - zero).
struct activation_grid {
  at::Tensor scale, zero;  // f32 [1]; a symmetric grid leaves zero undefined
};
// Makes the grid from the ranges of a linear's input. Throws error(failed) if the calibration did
// not measure them.
activation_grid static_grid(const json &complete, const input_statistics &ranges);

// Each of these functions rounds x to one kind of grid. They round halves to even and compute in
// float32, whatever the dtype of x is. The result has the dtype of x.
at::Tensor round_per_token(const at::Tensor &x /*[.., in]*/, int64_t bits, bool symmetric = true,
                           double clip = 1.0);
at::Tensor round_fp8_per_token(const at::Tensor &x, double clip = 1.0);
at::Tensor round_on_grid(const at::Tensor &x, const activation_grid &grid, int64_t bits);
at::Tensor round_fp8_on_grid(const at::Tensor &x, const activation_grid &grid);

// Makes the linear round its input by this scheme. Only a static scheme reads `grid`.
void set_activation(model::linear_op &linear, const json &complete,
                    const activation_grid &grid = {});

}  // namespace assay::quant
