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
constexpr int64_t k_grain = 32 << 10;  // bytes of codes that a thread gets at least

int64_t panels_of(const packed_view &view) {
  return (view.rows + k_panel_rows - 1) / k_panel_rows;
}

// Holds x as packed_kernel::arrange writes it. `input` points into `room`.
struct arranged_input {
  arranged_input(const packed_view &view, const packed_kernel &kernel, const at::Tensor &x) {
    const int64_t tokens = x.size(0), width = view.units * k_unit_columns;
    room = at::empty({tokens * (width + view.groups)}, x.options());
    float *const arranged = room.mutable_data_ptr<float>(), *const sums = arranged + tokens * width;
    kernel.arrange(view, x.const_data_ptr<float>(), tokens, arranged, sums);
    input = {arranged, sums, tokens};
  }
  at::Tensor room;
  packed_input input;
};

// Whether `arrange` writes the same for both weights.
bool same_arrangement(const packed_matrix &a, const packed_matrix &b) {
  return a.bits == b.bits && a.columns == b.columns && a.group == b.group &&
         a.codebook.empty() == b.codebook.empty() && a.order == b.order;
}

// One product of several that run side by side.
struct part {
  packed_view view;
  packed_input input;
  float *out;
  int64_t out_stride;
};

// Runs the products in one parallel loop over the panels of all weights.
void few_tokens(const std::vector<part> &parts, const packed_kernel &kernel) {
  int64_t panels = 0, bytes = 0;
  for (const part &p : parts) {
    panels += panels_of(p.view);
    bytes += panels_of(p.view) * p.view.units * p.view.bits * k_panel_rows * 4;
  }
  const int64_t panel_bytes = std::max<int64_t>(1, bytes / panels);
  parallel_for(
      0, panels, std::max<int64_t>(1, k_grain / panel_bytes), [&](int64_t first, int64_t last) {
        int64_t begin = 0;  // the first panel of the part
        for (const part &p : parts) {
          const int64_t own = panels_of(p.view), from = std::max(first - begin, int64_t{0}),
                        to = std::min(last - begin, own);
          if (from < to) kernel.product(p.view, p.input, from, to, p.out, p.out_stride);
          begin += own;
        }
      });
}

// [tokens, columns] -> [tiles, width, k_tile_tokens]. A tile has k_tile_tokens tokens. The values of one
// column lie together for all tokens of a tile, because one step of the kernel multiplies them. Columns
// from `columns` to `width` are zero, and so are missing tokens of the last tile.
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
  const int64_t panels = panels_of(view), pairs = (panels + 1) / 2;
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
  if (rows.size(0) <= k_most_few) {
    const arranged_input arranged(view, kernel, rows);
    few_tokens({{view, arranged.input, out.mutable_data_ptr<float>(), out_stride}}, kernel);
  } else {
    many_tokens(view, kernel, rows, out.mutable_data_ptr<float>(), out_stride);
  }
  return finished_product(out, weight.rows, x, bias);
}

std::vector<at::Tensor> packed_products(const std::vector<const packed_matrix *> &weights,
                                        const at::Tensor &x,
                                        const std::vector<at::Tensor> &biases) {
  const packed_kernel &kernel = packed_kernel_here();
  std::vector<at::Tensor> out;
  if (x.numel() > k_most_few * weights[0]->columns) {
    for (size_t i = 0; i < weights.size(); ++i)
      out.push_back(packed_product(*weights[i], x, biases[i], kernel));
    return out;
  }
  std::vector<arranged_input> arranged;
  std::vector<part> parts;
  for (size_t i = 0; i < weights.size(); ++i) {
    const packed_matrix &weight = *weights[i];
    const packed_view view = view_of(weight);
    if (i == 0 || !same_arrangement(*weights[i - 1], weight))
      arranged.emplace_back(view, kernel, ordered_columns(weight, x));
    const packed_input &input = arranged.back().input;
    const int64_t out_stride = weight.panels() * k_panel_rows;
    out.push_back(at::empty({input.tokens, out_stride}, x.options()));
    parts.push_back({view, input, out.back().mutable_data_ptr<float>(), out_stride});
  }
  few_tokens(parts, kernel);
  for (size_t i = 0; i < weights.size(); ++i)
    out[i] = finished_product(out[i], weights[i]->rows, x, biases[i]);
  return out;
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
