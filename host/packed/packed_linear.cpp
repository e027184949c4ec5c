// Arranges activations as the packed kernels read them, and divides the work among threads.
#include "packed/packed_linear.hpp"

#include <algorithm>
#include <vector>

#include "kernels/threads.hpp"
#include "packed/finished_product.hpp"

namespace assay::model {
namespace {

// few_tokens is used for up to this many tokens. It unpacks the codes of a panel (16 rows) again for
// every 8 tokens. With more tokens it is faster to unpack the panel once to fp32 (many_tokens).
constexpr int64_t k_most_few = 16;
constexpr int64_t k_grain = 32 << 10;  // bytes of codes that are worth a thread

void few_tokens(const packed_view &view, const packed_kernel &kernel, const at::Tensor &x,
                float *out, int64_t out_stride) {
  const int64_t tokens = x.size(0), width = view.units * k_unit_columns;
  const at::Tensor room = at::empty({tokens * (width + view.groups)}, x.options());
  float *const arranged = room.mutable_data_ptr<float>(), *const sums = arranged + tokens * width;
  kernel.arrange(view, x.const_data_ptr<float>(), tokens, arranged, sums);
  const packed_input input{arranged, sums, tokens};
  const int64_t panels = (view.rows + k_panel_rows - 1) / k_panel_rows;
  const int64_t panel_bytes = view.units * view.bits * k_panel_rows * 4;
  parallel_for(0, panels, std::max<int64_t>(1, k_grain / panel_bytes),
               [&](int64_t first, int64_t last) {
                 kernel.product(view, input, first, last, out, out_stride);
               });
}

// [tokens, columns] -> [tiles, width, k_tile_tokens]. A tile has k_tile_tokens tokens. Their values
// of one column lie together, because one step of the kernel multiplies them. Columns from
// `columns` to `width` are zero, and so are missing tokens of the last tile.
at::Tensor tiles_of(const at::Tensor &x, int64_t width) {
  const int64_t tokens = x.size(0), columns = x.size(1);
  const int64_t tiles = (tokens + k_tile_tokens - 1) / k_tile_tokens;
  at::Tensor out = at::empty({tiles, width, k_tile_tokens}, x.options());
  const float *from = x.const_data_ptr<float>();
  float *to = out.mutable_data_ptr<float>();
  parallel_for(0, tiles, 1, [&](int64_t first, int64_t last) {
    for (int64_t tile = first; tile < last; ++tile) {
      const int64_t token = tile * k_tile_tokens, count = std::min(k_tile_tokens, tokens - token);
      float *const here = to + tile * width * k_tile_tokens;
      std::fill_n(here, width * k_tile_tokens, 0.0f);
      for (int64_t t = 0; t < count; ++t)
        for (int64_t c = 0; c < columns; ++c)
          here[c * k_tile_tokens + t] = from[(token + t) * columns + c];
    }
  });
  return out;
}

void many_tokens(const packed_view &view, const packed_kernel &kernel, const at::Tensor &x,
                 float *out, int64_t out_stride) {
  const at::Tensor tiles = tiles_of(x, view.units * k_unit_columns);
  const packed_input input{tiles.const_data_ptr<float>(), nullptr, x.size(0)};
  const int64_t panels = (view.rows + k_panel_rows - 1) / k_panel_rows, pairs = (panels + 1) / 2;
  parallel_for(0, pairs, 1, [&](int64_t first, int64_t last) {
    const at::Tensor scratch = at::empty({scratch_floats(view)}, x.options());  // 64-byte aligned
    kernel.many(view, input, 2 * first, std::min(panels, 2 * last),
                scratch.mutable_data_ptr<float>(), out, out_stride);
  });
}

}  // namespace

// Returns x as [tokens, in], with its columns in the order of the packed columns.
at::Tensor ordered_columns(const packed_matrix &weight, const at::Tensor &x) {
  require_packed_input(x);
  const at::Tensor rows = x.reshape({-1, weight.columns});
  if (weight.order.empty()) return rows.contiguous();
  const at::Tensor order =
      at::from_blob(const_cast<int32_t *>(weight.order.data()), {weight.columns}, at::kInt);
  return rows.index_select(1, order);
}

at::Tensor packed_product(const packed_matrix &weight, const at::Tensor &x,
                          const at::Tensor &bias) {
  return packed_product(weight, x, bias, packed_kernel_here());
}

at::Tensor packed_product(const packed_matrix &weight, const at::Tensor &x, const at::Tensor &bias,
                          const packed_kernel &kernel) {
  const packed_view view = view_of(weight);
  const at::Tensor rows = ordered_columns(weight, x);
  const int64_t out_stride = weight.panels() * k_panel_rows;
  at::Tensor out = at::empty({rows.size(0), out_stride}, x.options());
  (rows.size(0) <= k_most_few ? few_tokens : many_tokens)(
      view, kernel, rows, out.mutable_data_ptr<float>(), out_stride);
  return finished_product(out, weight.rows, x, bias);
}

at::Tensor packed_rows(const packed_matrix &weight, const at::Tensor &ids) {
  const at::Tensor wanted = ids.to(at::kLong).contiguous();
  at::Tensor out = at::empty({wanted.numel(), weight.columns}, at::kFloat);
  const int64_t *row = wanted.const_data_ptr<int64_t>();
  float *to = out.mutable_data_ptr<float>();
  parallel_for(0, wanted.numel(), 8, [&](int64_t first, int64_t last) {
    for (int64_t i = first; i < last; ++i) unpack_row(weight, row[i], to + i * weight.columns);
  });
  return out;
}

at::Tensor unpacked(const packed_matrix &weight) {
  return packed_rows(weight, at::arange(weight.rows, at::kLong));
}

}  // namespace assay::model
