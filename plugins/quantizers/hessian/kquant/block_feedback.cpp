// Error feedback on blocks (kquant.hpp). A stretch of 256 columns is worked on row by row: a column is
// rounded, and its error is at once subtracted from the later columns of the stretch. After the
// stretch, one matrix product subtracts its errors from all later columns.
#include <algorithm>

#include "../simd.hpp"
#include "fit.hpp"
#include "kquant.hpp"

namespace hessian {
namespace {

constexpr int64_t k_stretch = k_most_columns;

// w -= error * u for n floats.
HESSIAN_CLONES
void subtract(float *w, const float *u, float error, int64_t n) {
  int64_t j = 0;
  for (; j + k_lanes <= n; j += k_lanes) {
    f32x16 x, y;
    load(x, w + j);
    load(y, u + j);
    store(w + j, x - error * y);
  }
  for (; j < n; ++j) w[j] -= error * u[j];
}

struct stretch {
  feedback &problem;
  const block_type &type;
  const kquant_config &config;
  std::vector<block> &blocks;
  int64_t first, n;             // positions [first, first + n)
  const std::vector<float> &u;  // [n, n], the corner of U
  std::vector<float> &errors;   // [out, n]
};

// Before column `column` is rounded: fits its block, or the steps of its group, to the weights as they
// are now. Only in the model's order of columns.
void fit_now(const stretch &s, int64_t i, int64_t column, const float *w, block &of) {
  const float *m = s.problem.importance.data() + s.first + i;
  const auto inside = static_cast<int>(column % s.type.columns);
  if (inside == 0)
    s.config.by_importance ? fit_by_importance(s.type, s.config.range, w, m, of)
                           : fit_as_reference(s.type, w, of);
  else if (inside % s.type.group == 0 && s.config.by_importance)
    fit_steps(s.type, s.config.range, inside / s.type.group, w, m, of);
}

void round_row(const stretch &s, int64_t row) {
  feedback &p = s.problem;
  float *w = p.w.data() + row * p.in + s.first;
  double loss = 0;
  for (int64_t i = 0; i < s.n; ++i) {
    const int64_t column = p.order[static_cast<size_t>(s.first + i)];
    block &of = s.blocks[static_cast<size_t>((row * p.in + column) / s.type.columns)];
    if (!s.config.static_groups) fit_now(s, i, column, w + i, of);
    const auto inside = static_cast<int>(column % s.type.columns);
    const int g = inside / s.type.group;
    const float scale = of.scale_of(s.type, g), minimum = of.minimum_of(s.type, g);
    const int code = code_of(s.type, w[i], scale, minimum);
    const float *u = s.u.data() + i * s.n + i;
    const float error = (w[i] - weight_of(s.type, code, scale, minimum)) * (1.0f / u[0]);
    of.codes[inside] = static_cast<int16_t>(code);
    s.errors[static_cast<size_t>(row * s.n + i)] = error;
    loss += 0.5 * static_cast<double>(error) * error;
    subtract(w + i + 1, u + 1, error, s.n - i - 1);
  }
  p.row_loss[static_cast<size_t>(row)] += loss;
}

}  // namespace

void feed_back_blocks(feedback &p, const block_type &type, const kquant_config &config,
                      std::vector<block> &blocks) {
  for (int64_t first = 0; first < p.in; first += k_stretch) {
    const int64_t n = std::min(k_stretch, p.in - first);
    p.host.progress(static_cast<uint64_t>(first), static_cast<uint64_t>(p.in), "columns");
    std::vector<float> u(static_cast<size_t>(n * n)), values;
    for (int64_t i = 0; i < n; ++i)
      std::copy_n(p.u().data() + (first + i) * p.in + first, n, u.data() + i * n);
    std::vector<float> errors(static_cast<size_t>(p.out * n));
    const stretch work{p, type, config, blocks, first, n, u, errors};
    p.host.parallel_for(p.out, 4, [&](int64_t begin, int64_t end) {
      for (int64_t row = begin; row < end; ++row) round_row(work, row);
    });
    subtract_errors(p, first, n, errors, values);
  }
}

}  // namespace hessian
