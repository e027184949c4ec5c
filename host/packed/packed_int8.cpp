// Rounds inputs to int8, arranges their codes for the int8 kernels, and divides the rows among threads.
#include "packed/packed_int8.hpp"

#include <algorithm>
#include <vector>

#include "kernels/threads.hpp"
#include "packed/finished_product.hpp"
#include "packed/packed_linear.hpp"

namespace assay::model {
namespace {

constexpr int64_t k_grain = 32 << 10;  // bytes of codes that a thread gets at least

// Owns the arrays that an int8_input points to.
struct rounded_input {
  std::vector<int32_t> codes;
  std::vector<float> scales, sums;
};

// Writes the codes of one token in the layout of int8_input. columns: int8_column() of each of the 32 bytes
// of a unit.
void arrange_token(const packed_view &view, const int64_t *columns, const int8_t *codes,
                   int64_t token, rounded_input &out) {
  const int64_t quads = view.units * k_unit_columns / 4;
  int32_t *to = out.codes.data() + token / k_int8_tile * quads * k_int8_tile + token % k_int8_tile;
  for (int64_t unit = 0; unit < view.units; ++unit, codes += k_unit_columns)
    for (int64_t quad = 0; quad < 8; ++quad, to += k_int8_tile) {
      uint32_t four = 0;
      for (int64_t i = 0; i < 4; ++i)
        four |= static_cast<uint32_t>(static_cast<uint8_t>(codes[columns[4 * quad + i]])) << 8 * i;
      *to = static_cast<int32_t>(four);
    }
}

void sum_groups(const packed_view &view, const int8_t *codes, float *sums) {
  for (int64_t group = 0; group < view.groups; ++group) {
    int32_t sum = 0;
    for (int64_t c = group * view.group; c < (group + 1) * view.group; ++c) sum += codes[c];
    sums[group] = static_cast<float>(sum);
  }
}

rounded_input rounded(const packed_view &view, const int8_kernel &kernel, const at::Tensor &x) {
  const int64_t tokens = x.size(0), width = view.units * k_unit_columns;
  const int64_t tiles = (tokens + k_int8_tile - 1) / k_int8_tile;
  rounded_input out;
  out.codes.resize(static_cast<size_t>(tiles * width / 4 * k_int8_tile));
  out.scales.resize(static_cast<size_t>(tokens));
  out.sums.resize(static_cast<size_t>(tokens * view.groups));
  const float *from = x.const_data_ptr<float>();
  int64_t columns[k_unit_columns];
  for (int64_t place = 0; place < k_unit_columns; ++place)
    columns[place] = int8_column(view.bits, place);
  parallel_for(0, tokens, 4, [&](int64_t first, int64_t last) {
    std::vector<int8_t> codes(static_cast<size_t>(width), 0);
    for (int64_t token = first; token < last; ++token) {
      out.scales[static_cast<size_t>(token)] =
          kernel.round(from + token * view.columns, view.columns, codes.data());
      arrange_token(view, columns, codes.data(), token, out);
      sum_groups(view, codes.data(), out.sums.data() + token * view.groups);
    }
  });
  return out;
}

}  // namespace

bool multiplies_int8(const packed_matrix &weight) {
  return multiplies_int8(view_of(weight));
}

at::Tensor packed_int8_product(const packed_matrix &weight, const at::Tensor &x,
                               const at::Tensor &bias) {
  return packed_int8_product(weight, x, bias, int8_kernel_here());
}

at::Tensor packed_int8_product(const packed_matrix &weight, const at::Tensor &x,
                               const at::Tensor &bias, const int8_kernel &kernel) {
  const packed_view view = view_of(weight);
  const at::Tensor rows = ordered_columns(weight, x);
  const rounded_input ready = rounded(view, kernel, rows);
  const int8_input input{ready.codes.data(), ready.scales.data(), ready.sums.data(), rows.size(0)};
  const int64_t out_stride = weight.panels() * k_panel_rows, pairs = (weight.panels() + 1) / 2;
  at::Tensor out = at::empty({input.tokens, out_stride}, rows.options());
  float *to = out.mutable_data_ptr<float>();
  const int64_t pair_bytes = 2 * view.units * view.bits * k_panel_rows * 4;
  parallel_for(0, pairs, std::max<int64_t>(1, k_grain / pair_bytes),
               [&](int64_t first, int64_t last) {
                 // Not zeroed, because the kernel overwrites it; LibTorch aligns it to 64 bytes.
                 const at::Tensor scratch = at::empty({int8_scratch_bytes(view)}, at::kByte);
                 kernel.product(view, input, 2 * first, std::min(weight.panels(), 2 * last),
                                scratch.mutable_data_ptr<uint8_t>(), to, out_stride);
               });
  return finished_product(out, weight.rows, x, bias);
}

}  // namespace assay::model
