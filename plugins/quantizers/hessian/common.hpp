// Declares what the quantizers of this plugin share: reading the configuration, matrix products by
// the host, the grids of a whole linear, and the emitted form (codes, scales, zero points, note).
// methods.hpp declares the methods.
#pragma once

#include <assay.hpp>

#include <string>
#include <vector>

#include "grid.hpp"

namespace hessian {

using assay_cpp::failure;

// Reads the keys bits, symmetric, group_size, grid, scale_from, scale_to and scale_dtype.
grid_options read_grid(const assay_cpp::config &config);

// Returns the f32 data of a matrix or vector on the CPU. For any other tensor it throws a failure
// that names `what`. The tensor must be contiguous, which is not checked here.
inline float *cpu_floats(const assay_tensor *tensor, const char *what) {
  return assay_cpp::matrix_of<float>(tensor, what).data;
}

// A row-major matrix of floats or doubles, for the host's matrix product. It does not own the data.
// `tensor` is valid while this object lives.
struct matrix_view {
  matrix_view(float *data, int64_t rows, int64_t columns, int64_t row_stride);
  matrix_view(double *data, int64_t rows, int64_t columns, int64_t row_stride);
  matrix_view(const matrix_view &) = delete;
  assay_tensor tensor;
  int64_t shape[2], strides[2];
};

// Computes c = alpha a b + beta c with the host's matrix product. If transpose_b is true, bᵀ takes the
// place of b.
void multiply(assay_cpp::host host, double alpha, const matrix_view &a, const matrix_view &b,
              bool transpose_b, double beta, const matrix_view &c);

// Limits to which weights are clipped before their grids are fitted. An earlier step of the recipe
// (awq with clip) may have found them. Null pointers mean that there are no limits.
struct clip_limits {
  const float *low = nullptr, *high = nullptr;  // [out, n]
  int64_t n = 0, group = 0;                     // limits of a row; columns that share one
};
// Reads the limits of the linear. Throws a failure if they do not cover the row.
clip_limits clip_of(const assay_linear *linear);

// Returns the grids of all groups, [out, groups], fitted to w [out, in] after w is clipped to the
// limits. importance: [in], or null if all weights count the same.
std::vector<group_grid> fit_grids(assay_cpp::host host, const float *w, const float *importance,
                                  int64_t out, int64_t in, const grid_options &options,
                                  const clip_limits &clip = {});

// Emits the codes [out, in] as bytes, the scales and zero points of the grids [out, groups], and the
// note. Codes are -128..127 for symmetric grids, which have no zero points, else 0..255; int16 holds
// both. claims_json: more members for the note, without braces, or "". format: the note's `format`.
void emit_form(assay_cpp::host host, assay_cpp::sink sink, const std::vector<int16_t> &codes,
               const std::vector<group_grid> &grids, int64_t out, int64_t in,
               const grid_options &options, const std::string &claims_json,
               const char *format = "int/1");
// Returns the scales [out, groups] in their stored dtype. The ledger counts the clamped ones.
assay_cpp::owned_tensor scales_tensor(assay_cpp::host host, const std::vector<group_grid> &grids,
                                      int64_t out, int64_t groups, const grid_options &options);
// Writes scale * (code - zero) for every weight of the form to `out` [out, in]. The difference is
// exact, so only the product is rounded.
void dequantize_form(assay_cpp::host host, const assay_form *form, const assay_tensor *out);

}  // namespace hessian
