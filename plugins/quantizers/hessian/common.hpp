// What the quantizers of this plugin share: configuration, views for linalg, grids of a whole
// linear, the emitted form. The methods are the files of methods.hpp.
#pragma once

#include <assay.hpp>

#include <string>
#include <vector>

#include "grid.hpp"

namespace hessian {

using assay_cpp::failure;

// Of the keys bits, symmetric, group_size, grid, scale_dtype.
grid_options read_grid(const assay_cpp::config &config);

// f32 data of a contiguous matrix or vector on the CPU; throws failure naming `what` otherwise.
inline float *cpu_floats(const assay_tensor *tensor, const char *what) {
  return assay_cpp::matrix_of<float>(tensor, what).data;
}

// A 2-D row-major view of floats, for linalg. Valid as long as this object.
struct matrix_view {
  matrix_view(float *data, int64_t rows, int64_t columns, int64_t row_stride);
  matrix_view(double *data, int64_t rows, int64_t columns, int64_t row_stride);
  matrix_view(const matrix_view &) = delete;
  assay_tensor tensor;
  int64_t shape[2], strides[2];
};

// c = alpha a b + beta c, or a bᵀ, by the host's product.
void multiply(assay_cpp::host host, double alpha, const matrix_view &a, const matrix_view &b,
              bool transpose_b, double beta, const matrix_view &c);

// Limits within which grids are fitted, left by an earlier stage; null = none.
struct clip_limits {
  const float *low = nullptr, *high = nullptr;  // [out, n]
  int64_t n = 0, group = 0;                     // columns of the limits; weights for one of them
};
clip_limits clip_of(const assay_linear *linear);

// The grids of all groups, [out, groups], fitted to w [out, in] within the limits.
std::vector<group_grid> fit_grids(assay_cpp::host host, const float *w, const float *importance,
                                  int64_t out, int64_t in, const grid_options &options,
                                  const clip_limits &clip = {});

// Emits codes [out, in] in -128..255 (int16 holds either kind of byte) and grids [out, groups].
void emit_form(assay_cpp::host host, assay_cpp::sink sink, const std::vector<int16_t> &codes,
               const std::vector<group_grid> &grids, int64_t out, int64_t in,
               const grid_options &options, const std::string &claims_json,
               const char *format = "int/1");
// The scales as they are stored; those that were clamped are counted in the ledger.
assay_cpp::owned_tensor scales_tensor(assay_cpp::host host, const std::vector<group_grid> &grids,
                                      int64_t out, int64_t groups, const grid_options &options);
// Dequantization of integer grids: scale * (code - zero), one rounding after an exact difference.
void dequantize_form(assay_cpp::host host, const assay_form *form, const assay_tensor *out);

}  // namespace hessian
