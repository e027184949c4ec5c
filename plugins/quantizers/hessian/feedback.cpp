// Error feedback (feedback.hpp) in blocks of columns. Inside a block, a tile holds 64 rows transposed,
// so that it fits the cache. A column subtracts the errors of all earlier columns before it is
// rounded. After a block, one matrix product subtracts the block's errors from all later columns.
// Every sum adds the columns in their order, so results do not depend on how rows were divided.
#include "feedback.hpp"

#include <algorithm>
#include <cstdio>
#include <numeric>

#include "simd.hpp"
#include "triangular.hpp"

namespace hessian {
namespace {

constexpr int64_t k_tile = 64;  // rows, which fill 4 vectors
constexpr int k_tile_vectors = static_cast<int>(k_tile / k_lanes);
constexpr int64_t k_panel = 4;  // columns that subtract earlier errors together
constexpr int64_t k_step = 16;  // columns that are rounded between two calls of take_errors

// The weights of 64 rows in the columns of one block. The element of (column, row) is at
// column * k_tile + row. `value` holds each weight as it is just before it is rounded.
struct tile {
  explicit tile(size_t size) : w(size), error(size), value(size), scale(size), zero(size) {}
  std::vector<float> w, error, value, scale, zero;
};

// Copies of the part of U, and for gptaq of P, whose rows and columns belong to the present block:
// [n, n].
struct corner {
  int64_t n = 0;
  std::vector<float> u, p;
};

// For `panel` columns from j on: w_j -= sum over i in [first, last) of (u_ij error_i - p_ij value_i).
// p may be null.
template <int64_t panel>
HESSIAN_INLINE void take_panel(float *w, const float *error, const float *value, const float *u,
                               const float *p, int64_t n, int64_t first, int64_t last, int64_t j) {
  f32x16 sum[panel][k_tile_vectors];
  for (int64_t c = 0; c < panel; ++c)
    for (int v = 0; v < k_tile_vectors; ++v) load(sum[c][v], w + (j + c) * k_tile + v * k_lanes);
  for (int64_t i = first; i < last; ++i) {
    for (int v = 0; v < k_tile_vectors; ++v) {
      f32x16 e;
      load(e, error + i * k_tile + v * k_lanes);
      for (int64_t c = 0; c < panel; ++c) sum[c][v] -= u[i * n + j + c] * e;
    }
    if (!p) continue;
    for (int v = 0; v < k_tile_vectors; ++v) {
      f32x16 x;
      load(x, value + i * k_tile + v * k_lanes);
      for (int64_t c = 0; c < panel; ++c) sum[c][v] += p[i * n + j + c] * x;
    }
  }
  for (int64_t c = 0; c < panel; ++c)
    for (int v = 0; v < k_tile_vectors; ++v) store(w + (j + c) * k_tile + v * k_lanes, sum[c][v]);
}

// Subtracts the errors of columns [first, last) from columns [begin, end) of a tile.
HESSIAN_CLONES
void take_errors(float *w, const float *error, const float *value, const float *u, const float *p,
                 int64_t n, int64_t first, int64_t last, int64_t begin, int64_t end) {
  int64_t j = begin;
  for (; j + k_panel <= end; j += k_panel)
    take_panel<k_panel>(w, error, value, u, p, n, first, last, j);
  for (; j < end; ++j) take_panel<1>(w, error, value, u, p, n, first, last, j);
}

// Rounds columns [begin, end) one after another. Before column j is rounded, it subtracts the errors
// of the columns [begin, j). Overwrites w with the codes.
HESSIAN_CLONES
void round_columns(float *w, float *error, float *value, const float *scale, const float *zero,
                   const float *u, const float *p, int64_t n, int64_t begin, int64_t end, float low,
                   float high) {
  for (int64_t j = begin; j < end; ++j) {
    take_panel<1>(w, error, value, u, p, n, begin, j, j);
    const float inverse = 1.0f / u[j * n + j];
    for (int v = 0; v < k_tile_vectors; ++v) {
      const int64_t at = j * k_tile + v * k_lanes;
      f32x16 x, s, z;
      load(x, w + at);
      load(s, scale + at);
      load(z, zero + at);
      f32x16 q = x / s;  // becomes code - zero
      clamp_round(q, low - z, high - z);
      store(value + at, x);
      store(error + at, (x - s * q) * inverse);
      store(w + at, q + z);
    }
  }
}

// One block of columns.
struct block_work {
  feedback &problem;
  const feedback_range &range;
  const corner &edge;
  int64_t first, n;            // its columns are the positions [first, first + n)
  std::vector<float> &errors;  // [out, n]
  std::vector<float> &values;  // [out, n], for gptaq only
};

void load_tile(const block_work &b, tile &t, int64_t row, int64_t rows) {
  for (int64_t i = 0; i < b.n; ++i)
    for (int64_t r = 0; r < k_tile; ++r)
      t.w[static_cast<size_t>(i * k_tile + r)] =
          r < rows ? b.problem.w[static_cast<size_t>((row + r) * b.problem.in + b.first + i)]
                   : 0.0f;
}

// The group of column i of the block.
int64_t group_of(const block_work &b, int64_t i) {
  return b.range.group[static_cast<size_t>(b.first + i - b.range.begin)];
}

void load_grids(const block_work &b, tile &t, int64_t row, int64_t rows, int64_t begin,
                int64_t end) {
  for (int64_t i = begin; i < end; ++i) {
    const int64_t g = group_of(b, i);
    for (int64_t r = 0; r < k_tile; ++r) {
      const auto &grid =
          (*b.range
                .grids)[static_cast<size_t>((row + std::min(r, rows - 1)) * b.range.n_groups + g)];
      t.scale[static_cast<size_t>(i * k_tile + r)] = grid.scale;
      t.zero[static_cast<size_t>(i * k_tile + r)] = grid.zero;
    }
  }
}

// Fits the grids of the group [begin, end) to its weights, which have taken all earlier errors.
void refit_group(const block_work &b, const tile &t, int64_t row, int64_t rows, int64_t begin,
                 int64_t end) {
  const int64_t g = group_of(b, begin);
  for (int64_t r = 0; r < rows; ++r)
    (*b.range.grids)[static_cast<size_t>((row + r) * b.range.n_groups + g)] =
        fit_group(t.w.data() + begin * k_tile + r, k_tile,
                  b.problem.importance.data() + b.first + begin, end - begin, b.range.grid);
}

// Returns the end of the columns of the block that share the group of column `begin`.
int64_t end_of_group(const block_work &b, int64_t begin) {
  int64_t end = begin + 1;
  while (end < b.n && group_of(b, end) == group_of(b, begin)) ++end;
  return end;
}

// Copies codes and errors of a tile to their places, and adds to the loss of each row.
void keep_results(const block_work &b, const tile &t, int64_t row, int64_t rows) {
  auto &p = b.problem;
  for (int64_t i = 0; i < b.n; ++i) {
    const int64_t column = p.order[static_cast<size_t>(b.first + i)];
    for (int64_t r = 0; r < rows; ++r) {
      const auto at = static_cast<size_t>(i * k_tile + r);
      const auto place = static_cast<size_t>((row + r) * p.in + column);
      p.codes[place] = static_cast<int16_t>(t.w[at]);
      if (!p.compensated.empty()) p.compensated[place] = t.value[at];
      b.errors[static_cast<size_t>((row + r) * b.n + i)] = t.error[at];
      if (!b.values.empty()) b.values[static_cast<size_t>((row + r) * b.n + i)] = t.value[at];
      p.row_loss[static_cast<size_t>(row + r)] +=
          0.5 * static_cast<double>(t.error[at]) * t.error[at];
    }
  }
}

// Rounds all columns of the block for the tile of rows that begins at `row`.
void work_tile(const block_work &b, tile &t, int64_t row) {
  const int64_t rows = std::min(k_tile, b.problem.out - row);
  const float *u = b.edge.u.data(), *p = b.edge.p.empty() ? nullptr : b.edge.p.data();
  float *w = t.w.data(), *error = t.error.data(), *value = t.value.data();
  load_tile(b, t, row, rows);
  for (int64_t begin = 0; begin < b.n;) {
    // With `fresh`, the grid of a group is fitted when all columns before it are rounded.
    const int64_t end = b.range.fresh ? end_of_group(b, begin) : b.n;
    if (begin > 0) take_errors(w, error, value, u, p, b.n, 0, begin, begin, end);
    if (b.range.fresh) refit_group(b, t, row, rows, begin, end);
    load_grids(b, t, row, rows, begin, end);
    for (int64_t from = begin; from < end; from += k_step) {
      const int64_t to = std::min(end, from + k_step);
      if (from > begin) take_errors(w, error, value, u, p, b.n, begin, from, from, to);
      round_columns(w, error, value, t.scale.data(), t.zero.data(), u, p, b.n, from, to,
                    b.range.grid.low(), b.range.grid.high());
    }
    begin = end;
  }
  keep_results(b, t, row, rows);
}

// Returns a copy of rows and columns [first, first + n) of m [in, in], or nothing if m is empty.
std::vector<float> corner_of(const std::vector<float> &m, int64_t in, int64_t first, int64_t n) {
  std::vector<float> out;
  if (m.empty()) return out;
  out.resize(static_cast<size_t>(n * n));
  for (int64_t i = 0; i < n; ++i)
    std::copy_n(m.data() + (first + i) * in + first, n, out.data() + i * n);
  return out;
}

// Returns the end of the block that begins at position `first`. With `fresh`, blocks end where groups
// end, so that each grid is fitted to weights that have taken all earlier errors.
int64_t end_of_block(const feedback_range &range, int64_t first) {
  const auto group = [&](int64_t position) {
    return range.group[static_cast<size_t>(position - range.begin)];
  };
  int64_t end = std::min(range.end, first + std::max<int64_t>(1, range.block_size));
  if (!range.fresh || end == range.end) return end;
  int64_t cut = end;
  while (cut > first && group(cut - 1) == group(cut)) --cut;
  if (cut > first) return cut;
  while (end < range.end && group(end - 1) == group(end)) ++end;  // a group wider than the block
  return end;
}

}  // namespace

void subtract_errors(feedback &p, int64_t first, int64_t n, std::vector<float> &errors,
                     std::vector<float> &values) {
  const int64_t rest = p.in - first - n;
  if (rest == 0) return;
  const matrix_view w(p.w.data() + first + n, p.out, rest, p.in);
  const auto add = [&](std::vector<float> &left, const std::vector<float> &right, double by) {
    const matrix_view a(left.data(), p.out, n, n);
    const matrix_view b(const_cast<float *>(right.data()) + first * p.in + first + n, n, rest,
                        p.in);  // only read
    multiply(p.host, by, a, b, false, 1.0, w);
  };
  add(errors, p.u(), -1.0);
  if (!p.p.empty()) add(values, p.p, 1.0);
}

void feed_back(feedback &p, const feedback_range &range) {
  const int64_t tiles = (p.out + k_tile - 1) / k_tile;
  for (int64_t first = range.begin; first < range.end;) {
    const int64_t n = end_of_block(range, first) - first;
    p.host.progress(static_cast<uint64_t>(first), static_cast<uint64_t>(p.in), "columns");
    const corner edge{n, corner_of(p.u(), p.in, first, n), corner_of(p.p, p.in, first, n)};
    std::vector<float> errors(static_cast<size_t>(p.out * n));
    std::vector<float> values(p.p.empty() ? 0 : static_cast<size_t>(p.out * n));
    const block_work block{p, range, edge, first, n, errors, values};
    p.host.parallel_for(tiles, 1, [&](int64_t begin, int64_t end) {
      tile t(static_cast<size_t>(n * k_tile));
      for (int64_t i = begin; i < end; ++i) work_tile(block, t, i * k_tile);
    });
    subtract_errors(p, first, n, errors, values);
    first += n;
  }
}

hessian_input read_input(assay_cpp::host host, const assay_linear *linear,
                         const assay_stats *stats) {
  hessian_input input;
  input.out = linear->out_features;
  input.in = linear->in_features;
  const int64_t in = input.in;
  const float *w = cpu_floats(linear->weight, "the weight");
  input.h = cpu_floats(stats ? stats->hessian : nullptr, "the Hessian");
  input.w.assign(w, w + input.out * in);
  input.shared = linear->tie_group && *linear->tie_group;
  for (int64_t j = 0; j < in; ++j) {
    float d = input.h[j * in + j];
    if (!(d >= 0.0f && d <= 3.4e38f))
      throw failure(ASSAY_NUMERICAL,
                    "the Hessian's diagonal is not finite at column " + std::to_string(j));
    if (d == 0.0f) {  // the input was always 0: its weights become 0 before grids are fitted
      ++input.dead;
      d = 1.0f;
      for (int64_t row = 0; row < input.out; ++row) input.w[static_cast<size_t>(row * in + j)] = 0;
    }
    input.diagonal.push_back(d);
  }
  if (input.dead) host.ledger("dead_columns", input.dead, "inputs that were zero on every token");
  return input;
}

std::vector<int64_t> column_order(const std::vector<float> &diagonal, bool descending) {
  std::vector<int64_t> order(diagonal.size());
  std::iota(order.begin(), order.end(), 0);
  if (descending)
    std::stable_sort(order.begin(), order.end(), [&](int64_t a, int64_t b) {
      return diagonal[static_cast<size_t>(a)] > diagonal[static_cast<size_t>(b)];
    });
  return order;
}

std::vector<float> permuted(assay_cpp::host host, const float *m, int64_t n,
                            const std::vector<int64_t> &order) {
  std::vector<float> out(static_cast<size_t>(n * n));
  host.parallel_for(n, 64, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const float *row = m + order[static_cast<size_t>(i)] * n;
      for (int64_t j = 0; j < n; ++j)
        out[static_cast<size_t>(i * n + j)] = row[order[static_cast<size_t>(j)]];
    }
  });
  return out;
}

feedback begin_feedback(assay_cpp::host host, const hessian_input &input, std::vector<float> w,
                        std::vector<int64_t> order) {
  feedback p(host);
  p.out = input.out;
  p.in = input.in;
  p.order = std::move(order);
  p.w = std::move(w);
  host.parallel_for(p.out, 64, [&](int64_t begin, int64_t end) {
    std::vector<float> row(static_cast<size_t>(p.in));
    for (int64_t r = begin; r < end; ++r) {
      float *to = p.w.data() + r * p.in;
      std::copy_n(to, p.in, row.data());
      for (int64_t i = 0; i < p.in; ++i)
        to[i] = row[static_cast<size_t>(p.order[static_cast<size_t>(i)])];
    }
  });
  for (const int64_t column : p.order)
    p.importance.push_back(input.diagonal[static_cast<size_t>(column)]);
  p.codes.resize(p.w.size());
  p.row_loss.assign(static_cast<size_t>(p.out), 0.0);
  return p;
}

void factor(feedback &p, const hessian_input &input, double damping) {
  p.factor = factor_inverse(p.host, {input.h, &input.diagonal, &p.order, damping, input.shared});
}

std::string claims_of(const feedback &problem, const hessian_input &input) {
  double loss = 0;
  for (const double row : problem.row_loss) loss += row;
  char claims[160];
  std::snprintf(claims, sizeof claims,
                "\"loss\": %.9g, \"damping\": %.6g, \"dead_columns\": %llu, \"fp64\": %s", loss,
                problem.factor->damping, static_cast<unsigned long long>(input.dead),
                problem.factor->double_precision ? "true" : "false");
  return claims;
}

}  // namespace hessian
