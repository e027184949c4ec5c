// gptq: column by column, each column's rounding error is pushed onto the columns not yet rounded
// (Frantar et al., arXiv 2210.17323, algorithm 1). README.md lists what differs from the published
// code.
//
// Columns are worked on in blocks: inside a block on tiles of 64 rows that lie transposed in the
// cache, after it one
// product moves the block's errors onto all later columns.
#include <algorithm>
#include <cstdio>
#include <numeric>

#include "factor.hpp"
#include "methods.hpp"
#include "simd.hpp"

namespace hessian {
namespace {

constexpr int64_t k_tile = 64;  // rows; 4 vectors
constexpr int k_tile_vectors = static_cast<int>(k_tile / k_lanes);

// One linear in work; everything in the order in which columns are worked on.
struct problem {
  const assay_host *host;
  const method_config *config;
  int64_t out, in, groups, size;
  std::vector<float> w;           // [out, in] permuted, compensated as work goes on
  std::vector<float> u;           // [in, in] upper factor of the inverse Hessian
  std::vector<float> importance;  // [in] diag H, in the order of work
  std::vector<int64_t> order;     // position -> column
  std::vector<group_grid> grids;  // [out, groups]
  std::vector<int16_t> codes;     // [out, in] in the model's order
  std::vector<double> row_loss;   // [out] sum of e^2 / 2
};

// A tile's columns of one block, transposed: value (column, row) at column * k_tile + row.
struct tile {
  std::vector<float> w, error, scale, zero;
};

// Rounds `n` columns of a tile in order, feeding each one's error into the later ones. u: the
// block's corner of U,
// row stride u_stride. scale, zero: one vector for each column. Writes codes over w.
HESSIAN_CLONES
void feed_columns(float *w, float *error, const float *scale, const float *zero, int64_t n,
                  const float *u, int64_t u_stride, float low, float high) {
  for (int64_t i = 0; i < n; ++i) {
    const float inverse = 1.0f / u[i * u_stride + i];
    f32x16 e[k_tile_vectors];
    for (int v = 0; v < k_tile_vectors; ++v) {
      const int64_t at = i * k_tile + v * k_lanes;
      f32x16 value, s, z;
      load(value, w + at);
      load(s, scale + at);
      load(z, zero + at);
      f32x16 q = value / s;  // becomes code - zero
      clamp_round(q, low - z, high - z);
      e[v] = (value - s * q) * inverse;
      store(w + at, q + z);
      store(error + at, e[v]);
    }
    for (int64_t j = i + 1; j < n; ++j) {
      const float factor = u[i * u_stride + j];
      for (int v = 0; v < k_tile_vectors; ++v) {
        f32x16 value;
        load(value, w + j * k_tile + v * k_lanes);
        value -= factor * e[v];
        store(w + j * k_tile + v * k_lanes, value);
      }
    }
  }
}

int64_t group_of(const problem &p, int64_t position) {
  return p.order[static_cast<size_t>(position)] / p.size;
}

void load_tile(const problem &p, tile &t, int64_t row, int64_t rows, int64_t first, int64_t n) {
  for (int64_t i = 0; i < n; ++i)
    for (int64_t r = 0; r < k_tile; ++r)
      t.w[static_cast<size_t>(i * k_tile + r)] =
          r < rows ? p.w[static_cast<size_t>((row + r) * p.in + first + i)] : 0.0f;
}

void load_grids(const problem &p, tile &t, int64_t row, int64_t rows, int64_t first, int64_t begin,
                int64_t end) {
  for (int64_t i = begin; i < end; ++i) {
    const int64_t g = group_of(p, first + i);
    for (int64_t r = 0; r < k_tile; ++r) {
      const auto &grid = p.grids[static_cast<size_t>((row + std::min(r, rows - 1)) * p.groups + g)];
      t.scale[static_cast<size_t>(i * k_tile + r)] = grid.scale;
      t.zero[static_cast<size_t>(i * k_tile + r)] = grid.zero;
    }
  }
}

// Fits the grids of the group that begins at column `begin` of the tile from its compensated
// weights.
void refit_group(problem &p, const tile &t, int64_t row, int64_t rows, int64_t first, int64_t begin,
                 int64_t end) {
  const int64_t g = group_of(p, first + begin);
  for (int64_t r = 0; r < rows; ++r)
    p.grids[static_cast<size_t>((row + r) * p.groups + g)] =
        fit_group(t.w.data() + begin * k_tile + r, k_tile, p.importance.data() + first + begin,
                  end - begin, p.config->grid);
}

void work_tile(problem &p, tile &t, int64_t row, int64_t first, int64_t n,
               std::vector<float> &errors, int64_t error_stride) {
  const int64_t rows = std::min(k_tile, p.out - row);
  const auto &o = p.config->grid;
  load_tile(p, t, row, rows, first, n);
  const bool fresh = !p.config->static_groups && p.groups > 1;
  for (int64_t begin = 0; begin < n;) {
    // fresh grids stop the tile at every group, static ones only at its end
    const int64_t end = fresh ? std::min(n, begin + p.size) : n;
    if (fresh) refit_group(p, t, row, rows, first, begin, end);
    load_grids(p, t, row, rows, first, begin, end);
    feed_columns(t.w.data() + begin * k_tile, t.error.data() + begin * k_tile,
                 t.scale.data() + begin * k_tile, t.zero.data() + begin * k_tile, end - begin,
                 p.u.data() + (first + begin) * p.in + first + begin, p.in, o.low(), o.high());
    // what this piece owes to the rest of the block
    for (int64_t i = begin; i < end; ++i)
      for (int64_t j = end; j < n; ++j) {
        const float factor = p.u[static_cast<size_t>((first + i) * p.in + first + j)];
        for (int64_t r = 0; r < k_tile; ++r)
          t.w[static_cast<size_t>(j * k_tile + r)] -=
              factor * t.error[static_cast<size_t>(i * k_tile + r)];
      }
    begin = end;
  }
  for (int64_t i = 0; i < n; ++i) {
    const int64_t column = p.order[static_cast<size_t>(first + i)];
    for (int64_t r = 0; r < rows; ++r) {
      const size_t at = static_cast<size_t>(i * k_tile + r);
      p.codes[static_cast<size_t>((row + r) * p.in + column)] = static_cast<int16_t>(t.w[at]);
      errors[static_cast<size_t>((row + r) * error_stride + i)] = t.error[at];
      p.row_loss[static_cast<size_t>(row + r)] +=
          0.5 * static_cast<double>(t.error[at]) * t.error[at];
    }
  }
}

// Blocks end at group boundaries, so that a fresh grid always sees fully compensated weights.
int64_t block_columns(const problem &p) {
  const int64_t wanted = std::max<int64_t>(1, p.config->block_size);
  if (p.config->static_groups || p.groups == 1) return wanted;
  return std::max(p.size, wanted / p.size * p.size);
}

void solve(problem &p) {
  const auto *linalg =
      static_cast<const assay_linalg *>(p.host->get_extension(p.host->ctx, ASSAY_EXT_LINALG));
  const int64_t block = std::min(p.in, block_columns(p));
  const int64_t tiles = (p.out + k_tile - 1) / k_tile;
  std::vector<float> errors(static_cast<size_t>(p.out * block));
  for (int64_t first = 0; first < p.in; first += block) {
    const int64_t n = std::min(block, p.in - first);
    if (p.host->progress(p.host->ctx, static_cast<uint64_t>(first), static_cast<uint64_t>(p.in),
                         "columns") == ASSAY_CANCELLED)
      throw failure(ASSAY_CANCELLED, "cancelled");
    parallel(p.host, tiles, 1, [&](int64_t begin, int64_t end) {
      const auto size = static_cast<size_t>(n * k_tile);
      tile t{std::vector<float>(size), std::vector<float>(size), std::vector<float>(size),
             std::vector<float>(size)};
      for (int64_t i = begin; i < end; ++i) work_tile(p, t, i * k_tile, first, n, errors, n);
    });
    const int64_t rest = p.in - first - n;
    if (rest == 0) break;
    matrix_view e(errors.data(), p.out, n, n);
    matrix_view u(p.u.data() + first * p.in + first + n, n, rest, p.in);
    matrix_view w(p.w.data() + first + n, p.out, rest, p.in);
    if (const int32_t status =
            linalg->gemm(p.host, -1.0, &e.tensor, 0, &u.tensor, 0, 1.0, &w.tensor);
        status < 0)
      throw failure(status, "the host's product failed");
  }
}

// Columns whose input was always zero carry no information: they are zeroed before any grid is
// fitted.
uint64_t clear_dead_columns(std::vector<float> &w, float *h, int64_t out, int64_t in) {
  uint64_t dead = 0;
  for (int64_t j = 0; j < in; ++j) {
    if (h[j * in + j] != 0.0f) continue;
    ++dead;
    h[j * in + j] = 1.0f;
    for (int64_t row = 0; row < out; ++row) w[static_cast<size_t>(row * in + j)] = 0.0f;
  }
  return dead;
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

void permute(problem &p, const std::vector<float> &w, const std::vector<float> &h) {
  const auto n = static_cast<size_t>(p.in);
  p.w.resize(w.size());
  p.u.resize(h.size());
  parallel(p.host, p.out, 64, [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row)
      for (size_t i = 0; i < n; ++i)
        p.w[static_cast<size_t>(row) * n + i] =
            w[static_cast<size_t>(row) * n + static_cast<size_t>(p.order[i])];
  });
  parallel(p.host, p.in, 64, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i)
      for (size_t j = 0; j < n; ++j)
        p.u[static_cast<size_t>(i) * n + j] =
            h[static_cast<size_t>(p.order[static_cast<size_t>(i)]) * n +
              static_cast<size_t>(p.order[j])];
  });
}

void check_finite(const std::vector<float> &h, int64_t in) {
  for (int64_t j = 0; j < in; ++j)
    if (const float d = h[static_cast<size_t>(j * in + j)]; !(d >= 0.0f && d <= 3.4e38f))
      throw failure(ASSAY_NUMERICAL,
                    "the Hessian's diagonal is not finite at column " + std::to_string(j));
}

}  // namespace

void gptq(const assay_host *host, const method_config &config, const assay_layer *layer,
          const assay_stats *stats, const assay_sink *sink) {
  problem p;
  p.host = host;
  p.config = &config;
  p.out = layer->out_features;
  p.in = layer->in_features;
  p.groups = config.grid.groups(p.in);
  p.size = config.grid.group(p.in);
  if (config.act_order && !config.static_groups)
    throw failure(
        ASSAY_INVALID_ARGUMENT,
        "act_order with grids fitted on the way needs a group index for each column, which no "
        "kernel of today likes: set static_groups or drop act_order");
  const auto size = static_cast<size_t>(p.out * p.in);
  const float *given = cpu_floats(layer->weight, "the weight");
  const float *given_h = cpu_floats(stats ? stats->hessian : nullptr, "the Hessian");
  std::vector<float> w(given, given + size), h(given_h, given_h + p.in * p.in);
  check_finite(h, p.in);
  const uint64_t dead = clear_dead_columns(w, h.data(), p.out, p.in);
  if (dead) host->ledger(host->ctx, "dead_columns", dead, "inputs that were zero on every token");
  std::vector<float> diagonal(static_cast<size_t>(p.in));
  for (int64_t j = 0; j < p.in; ++j)
    diagonal[static_cast<size_t>(j)] = h[static_cast<size_t>(j * p.in + j)];
  p.grids = fit_grids(host, w.data(), diagonal.data(), p.out, p.in, config.grid);
  p.order = column_order(diagonal, config.act_order);
  permute(p, w, h);
  for (const int64_t column : p.order)
    p.importance.push_back(diagonal[static_cast<size_t>(column)]);
  const auto factored = factor_inverse(host, p.u.data(), p.in, config.damping);
  p.codes.resize(size);
  p.row_loss.assign(static_cast<size_t>(p.out), 0.0);
  solve(p);
  double loss = 0;
  for (const double row : p.row_loss) loss += row;
  char claims[160];
  std::snprintf(claims, sizeof claims,
                "\"loss\": %.9g, \"damping\": %.6g, \"dead_columns\": %llu, \"fp64\": %s", loss,
                factored.damping, static_cast<unsigned long long>(dead),
                factored.double_precision ? "true" : "false");
  emit_form(host, sink, p.codes, p.grids, p.out, p.in, config.grid, claims);
}

}  // namespace hessian
