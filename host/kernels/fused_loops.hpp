// Runs the memory-bound steps between matrix products as fused loops, for fp32 on the CPU, on plain
// pointers. decoder_block.cpp has the same formulas as tensor operations, and a test compares both.
#pragma once

#include <cstdint>

namespace assay::model::kernels {

// y = x * rsqrt(mean(x^2) + eps) * (offset + weight) for each of n rows of `width`. x and y may be equal.
void rms_norm(const float *x, const float *weight, float *y, int64_t n, int64_t width, float eps,
              float offset);

// Rotates n_heads heads of one token in place: pairs (i, i + half). cos, sin: [half]. The channels of a head from 2 * half
// on stay as they are.
void rope(float *x, const float *cos, const float *sin, int64_t n_heads, int64_t half,
          int64_t head_dim);

// gate = gate / (1 + exp(-gate)) * up, n elements, in place.
void silu_mul(float *gate, const float *up, int64_t n);

// gate = GELU(gate) * up, n elements, in place. GELU in its tanh approximation (Hendrycks and Gimpel,
// arXiv 1606.08415, section 2): x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) / 2.
void gelu_mul(float *gate, const float *up, int64_t n);

// Returns log(sum(exp(row[i]))) over n >= 1 elements. If `top` is not null, *top becomes the index of
// the first maximum.
float log_sum_exp(const float *row, int64_t n, int64_t *top);

}  // namespace assay::model::kernels
