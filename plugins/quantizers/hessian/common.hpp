// What the quantizers of this plugin share: failures, configuration, tensors of the host, the
// emitted form.
// No method: these are opt_rtn.cpp and gptq.cpp.
#pragma once

#include <functional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "assay.h"
#include "assay_json.hpp"
#include "grid.hpp"

namespace hessian {

struct failure : std::runtime_error {
  failure(int32_t code, const std::string &text) : std::runtime_error(text), status(code) {}
  int32_t status;
};

grid_options read_grid(
    const assay_json::value &config);  // bits symmetric group_size grid scale_dtype

// f32 data of a contiguous tensor on the CPU; throws failure naming `what` otherwise.
float *cpu_floats(const assay_tensor *tensor, const char *what);

// An own tensor of the host; released unless taken.
class host_tensor {
 public:
  host_tensor(const assay_host *host, uint8_t code, uint8_t bits, std::vector<int64_t> shape);
  ~host_tensor();
  host_tensor(host_tensor &&other) noexcept;
  host_tensor(const host_tensor &) = delete;
  host_tensor &operator=(const host_tensor &) = delete;
  template <class T>
  T *data() const {
    return static_cast<T *>(managed_->tensor.data);
  }
  const assay_tensor *view() const { return &managed_->tensor; }
  assay_managed *take();

 private:
  assay_managed *managed_ = nullptr;
};

float *scratch_floats(const assay_host *host, int64_t count);
// A 2-D row-major view of floats, for linalg. Valid as long as this object.
struct matrix_view {
  matrix_view(float *data, int64_t rows, int64_t columns, int64_t row_stride);
  matrix_view(double *data, int64_t rows, int64_t columns, int64_t row_stride);
  matrix_view(const matrix_view &) = delete;
  assay_tensor tensor;
  int64_t shape[2], strides[2];
};

// body(begin, end) over [0, n) on the host's threads; a failure in a piece comes out as failure.
void parallel(const assay_host *host, int64_t n, int64_t grain,
              const std::function<void(int64_t, int64_t)> &body);

// Limits within which grids are fitted, left by an earlier stage; null = none.
struct clip_limits {
  const float *low = nullptr, *high = nullptr;  // [out, n]
  int64_t n = 0, group = 0;                     // columns of the limits; weights for one of them
};
clip_limits clip_of(const assay_layer *layer);

// The grids of all groups, [out, groups], fitted to w [out, in] within the limits.
std::vector<group_grid> fit_grids(const assay_host *host, const float *w, const float *importance,
                                  int64_t out, int64_t in, const grid_options &options,
                                  const clip_limits &clip = {});

// codes [out, in] in -128..255 as int16 (either kind of byte fits), grids [out, groups] -> the
// sink.
void emit_form(const assay_host *host, const assay_sink *sink, const std::vector<int16_t> &codes,
               const std::vector<group_grid> &grids, int64_t out, int64_t in,
               const grid_options &options, const std::string &claims_json,
               const char *format = "int/1");
void hand_over(const assay_sink *sink, const char *role, host_tensor tensor, uint32_t packed_bits);
host_tensor scales_tensor(const assay_host *host, const std::vector<group_grid> &grids, int64_t out,
                          int64_t groups, const grid_options &options);
float scale_at(const assay_tensor &scales, int64_t i);  // of f16, bf16 or f32
const assay_tensor *tensor_of(const assay_form *form, std::string_view role);  // null if absent
// Dequantization of integer grids: scale * (code - zero), one rounding after an exact difference.
void dequantize_form(const assay_host *host, const assay_form *form, const assay_tensor *out);

}  // namespace hessian
