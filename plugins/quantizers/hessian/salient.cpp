// salient: the columns of a weight that matter most get more bits than the others (OWQ, Lee et al.,
// arXiv 2306.02272). Columns are ranked by diag(H)_j |dW_j|^2, where dW is the error of round to
// nearest, or by mean |x_j|. The chosen columns are emitted as tensors of their own, so their size is
// counted. The dense codes still have all columns, because kernels read a full matrix.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <numeric>

#include "factor.hpp"
#include "methods.hpp"

namespace hessian {
namespace {

// Limits of the share of columns that `dynamic` may choose.
constexpr double k_least_share = 0.005, k_most_share = 0.05;

// Returns how much each column matters, [in]: the number by which columns are ranked.
std::vector<double> salience(assay_cpp::host host, const method_config &config,
                             const hessian_input &input, const assay_stats *stats) {
  std::vector<double> score(static_cast<size_t>(input.in));
  if (config.by_activation) {
    const float *mean = cpu_floats(stats ? stats->abs_mean : nullptr, "mean |x|");
    for (int64_t j = 0; j < input.in; ++j) score[static_cast<size_t>(j)] = mean[j];
    return score;
  }
  const auto &o = config.grid;
  const int64_t groups = o.groups(input.in), size = o.group(input.in);
  const auto grids = fit_grids(host, input.w.data(), input.diagonal.data(), input.out, input.in, o);
  for (int64_t row = 0; row < input.out; ++row)
    for (int64_t j = 0; j < input.in; ++j) {
      const auto &grid = grids[static_cast<size_t>(row * groups + j / size)];
      const float w = input.w[static_cast<size_t>(row * input.in + j)];
      const float error = w - grid.scale * (code_of(w, grid, o.low(), o.high()) - grid.zero);
      score[static_cast<size_t>(j)] += static_cast<double>(error) * error;
    }
  for (int64_t j = 0; j < input.in; ++j)
    score[static_cast<size_t>(j)] *= static_cast<double>(input.diagonal[static_cast<size_t>(j)]);
  return score;
}

// Returns how many columns get high_bits: the share `ratio` of all. With `dynamic` it is the number of
// columns whose score is above threshold * mean score, within the shares k_least_share and k_most_share.
int64_t kept_columns(const method_config &config, const std::vector<double> &score) {
  const auto n = static_cast<double>(score.size());
  double share = config.ratio;
  if (config.dynamic) {
    const double mean = std::accumulate(score.begin(), score.end(), 0.0) / n;
    const auto out = std::count_if(score.begin(), score.end(),
                                   [&](double s) { return s > config.threshold * mean; });
    share = std::clamp(static_cast<double>(out) / n, k_least_share, k_most_share);
  }
  return std::clamp<int64_t>(std::llround(share * n), 1, static_cast<int64_t>(score.size()));
}

// The columns that share one width, ascending, and their grids.
struct tier {
  const char *name = "";
  grid_options grid;
  std::vector<int64_t> columns;
  std::vector<group_grid> grids;  // [out, groups over the tier's columns]
  int64_t groups() const {
    return columns.empty() ? 0 : grid.groups(static_cast<int64_t>(columns.size()));
  }
};

// Fits the grids of a tier. A group is group_size successive columns of the tier, which need not be
// neighbours in the matrix.
tier make_tier(assay_cpp::host host, const char *name, const hessian_input &input,
               grid_options grid, std::vector<int64_t> columns) {
  std::sort(columns.begin(), columns.end());
  tier t{name, grid, std::move(columns), {}};
  const auto n = static_cast<int64_t>(t.columns.size());
  std::vector<float> w(static_cast<size_t>(input.out * n)), m;
  for (const int64_t column : t.columns) m.push_back(input.diagonal[static_cast<size_t>(column)]);
  for (int64_t row = 0; row < input.out; ++row)
    for (int64_t i = 0; i < n; ++i)
      w[static_cast<size_t>(row * n + i)] =
          input.w[static_cast<size_t>(row * input.in + t.columns[static_cast<size_t>(i)])];
  if (n > 0) t.grids = fit_grids(host, w.data(), m.data(), input.out, n, t.grid);
  return t;
}

// Returns the range of error feedback for a tier, whose columns are at the positions from `begin` on.
feedback_range range_of(const method_config &config, const feedback &p, tier &t, int64_t begin) {
  feedback_range range;
  range.begin = begin;
  range.end = begin + static_cast<int64_t>(t.columns.size());
  range.grid = t.grid;
  range.block_size = config.block_size;
  range.n_groups = t.groups();
  range.grids = &t.grids;
  const int64_t size = t.grid.group(static_cast<int64_t>(t.columns.size()));
  for (int64_t i = range.begin; i < range.end; ++i) {
    const auto found =
        std::lower_bound(t.columns.begin(), t.columns.end(), p.order[static_cast<size_t>(i)]);
    range.group.push_back(static_cast<int32_t>((found - t.columns.begin()) / size));
  }
  return range;
}

assay_cpp::owned_tensor indices_tensor(assay_cpp::host host, const std::vector<int64_t> &columns) {
  assay_cpp::owned_tensor out =
      host.alloc(assay_cpp::dtype_of<int32_t>(), {static_cast<int64_t>(columns.size())});
  for (size_t i = 0; i < columns.size(); ++i)
    out.data<int32_t>()[i] = static_cast<int32_t>(columns[i]);
  return out;
}

// Returns how many bits a file needs for the index of one of `in` columns.
uint32_t index_bits(int64_t in) {
  uint32_t bits = 1;
  while ((int64_t{1} << bits) < in) ++bits;
  return bits + 1;  // one more for the sign, since indices are i32
}

// Emits the columns of a tier as float16 values. Error feedback has already changed them.
void emit_values(assay_cpp::host host, assay_cpp::sink sink, const feedback &p, int64_t begin,
                 const tier &t) {
  const auto n = static_cast<int64_t>(t.columns.size());
  assay_cpp::owned_tensor values = host.alloc(assay_cpp::k_f16, {p.out, n});
  constexpr float k_most = assay_grid::largest_finite(scale_dtype::float16);
  uint64_t clamped = 0;
  for (int64_t i = begin; i < begin + n; ++i) {
    const auto found =
        std::lower_bound(t.columns.begin(), t.columns.end(), p.order[static_cast<size_t>(i)]);
    const int64_t place = found - t.columns.begin();
    for (int64_t row = 0; row < p.out; ++row) {
      const float w = p.w[static_cast<size_t>(row * p.in + i)];
      clamped += std::fabs(w) > k_most;
      values.data<uint16_t>()[row * n + place] =
          assay_grid::to_float16(std::clamp(w, -k_most, k_most));
    }
  }
  if (clamped > 0) host.ledger("clamped_value", clamped, "kept values beyond the largest float16");
  sink.emit("keep_idx", indices_tensor(host, t.columns), index_bits(p.in));
  sink.emit("keep_values", std::move(values), 0);
}

// Emits the columns of a tier as codes with scales of their own.
void emit_tier(assay_cpp::host host, assay_cpp::sink sink, const feedback &p, const tier &t) {
  const auto n = static_cast<int64_t>(t.columns.size());
  const std::string name = t.name;
  assay_cpp::owned_tensor codes = host.alloc(assay_cpp::dtype_of<int8_t>(), {p.out, n});
  for (int64_t row = 0; row < p.out; ++row)
    for (int64_t i = 0; i < n; ++i)
      codes.data<int8_t>()[row * n + i] = static_cast<int8_t>(
          p.codes[static_cast<size_t>(row * p.in + t.columns[static_cast<size_t>(i)])]);
  sink.emit((name + "_idx").c_str(), indices_tensor(host, t.columns), index_bits(p.in));
  sink.emit((name + "_codes").c_str(), std::move(codes), static_cast<uint32_t>(t.grid.bits));
  sink.emit((name + "_scales").c_str(), scales_tensor(host, t.grids, p.out, t.groups(), t.grid), 0);
}

// Sets p.factor to U of the inverse Hessian. With rounding = "rtn" it is the identity, so that no
// column makes up for the errors of others.
void factor_or_identity(const method_config &config, const hessian_input &input, feedback &p) {
  if (config.with_feedback) {
    // The factor is not kept for other linears, because the order of columns may depend on the weight.
    p.factor = factor_inverse(p.host, {input.h, &input.diagonal, &p.order, config.damping, false});
    return;
  }
  factored identity;
  identity.u.assign(static_cast<size_t>(p.in * p.in), 0.0f);
  for (int64_t i = 0; i < p.in; ++i) identity.u[static_cast<size_t>(i * p.in + i)] = 1.0f;
  p.factor = std::make_shared<const factored>(std::move(identity));
}

}  // namespace

void salient(assay_cpp::host host, const method_config &config, const assay_linear *linear,
             const assay_stats *stats, assay_cpp::sink sink) {
  const auto input = read_input(host, linear, stats);
  const auto score = salience(host, config, input, stats);
  std::vector<int64_t> ranked(score.size());
  std::iota(ranked.begin(), ranked.end(), 0);
  std::stable_sort(ranked.begin(), ranked.end(), [&](int64_t a, int64_t b) {
    return score[static_cast<size_t>(a)] > score[static_cast<size_t>(b)];
  });
  const int64_t n_high = kept_columns(config, score);
  const int64_t n_middle =
      config.middle_bits
          ? std::min<int64_t>(input.in - n_high,
                              std::llround(config.middle_ratio * static_cast<double>(input.in)))
          : 0;
  auto wide = config.grid, middle_grid = config.grid;
  wide.bits = std::min(config.high_bits, 8);
  middle_grid.bits = config.middle_bits;
  wide.symmetric = middle_grid.symmetric = true;
  auto high = make_tier(host, "high", input, wide, {ranked.begin(), ranked.begin() + n_high});
  auto middle = make_tier(host, "middle", input, middle_grid,
                          {ranked.begin() + n_high, ranked.begin() + n_high + n_middle});

  // The columns of both tiers are called wide. All other columns are rounded before them, so that the
  // wide ones make up for the errors (OWQ's order).
  std::vector<uint8_t> is_wide(score.size());  // 0: not wide, 1: middle, 2: high
  auto plain = input;  // a copy with 0 in the wide columns, to which the base grids are fitted
  for (int64_t i = 0; i < n_high + n_middle; ++i) {
    const auto column = ranked[static_cast<size_t>(i)];
    is_wide[static_cast<size_t>(column)] = i < n_high ? 2 : 1;
    plain.diagonal[static_cast<size_t>(column)] = 0.0f;
    for (int64_t row = 0; row < input.out; ++row)
      plain.w[static_cast<size_t>(row * input.in + column)] = 0.0f;
  }
  auto grids =
      fit_grids(host, plain.w.data(), plain.diagonal.data(), input.out, input.in, config.grid);
  auto order = column_order(input.diagonal, config.act_order);
  std::stable_sort(order.begin(), order.end(), [&](int64_t a, int64_t b) {
    return is_wide[static_cast<size_t>(a)] < is_wide[static_cast<size_t>(b)];
  });
  auto p = begin_feedback(host, input, input.w, std::move(order));
  factor_or_identity(config, input, p);
  const int64_t n_rest = input.in - n_high - n_middle;
  auto range = whole_range(config, p, grids);
  range.fresh = false;
  range.end = n_rest;
  feed_back(p, range);
  feed_back(p, range_of(config, p, middle, n_rest));
  if (config.high_bits < 16) feed_back(p, range_of(config, p, high, n_rest + n_middle));
  auto base = p.codes;  // the dense codes; 0 in wide columns
  for (int64_t j = 0; j < input.in; ++j)
    for (int64_t row = 0; is_wide[static_cast<size_t>(j)] && row < input.out; ++row)
      base[static_cast<size_t>(row * input.in + j)] = 0;
  char claims[160];
  std::snprintf(claims, sizeof claims, "\"kept_columns\": %lld, \"middle_columns\": %lld",
                static_cast<long long>(n_high), static_cast<long long>(n_middle));
  emit_form(host, sink, base, grids, input.out, input.in, config.grid, claims, "salient/1");
  if (n_middle > 0) emit_tier(host, sink, p, middle);
  if (config.high_bits < 16)
    emit_tier(host, sink, p, high);
  else
    emit_values(host, sink, p, n_rest + n_middle, high);
}

namespace {

// Writes the columns of the tier `name` into the dense weight `to`, [out, in]. Does nothing if the form
// has no such tier.
void lay_over(const assay_form *form, const std::string &name, int64_t group_size, float *to) {
  const auto *at = assay_cpp::find(*form, (name + "_idx").c_str()),
             *codes = assay_cpp::find(*form, (name + "_codes").c_str()),
             *scales = assay_cpp::find(*form, (name + "_scales").c_str());
  if (!at || !codes || !scales) return;
  const int64_t n = at->shape[0], groups = scales->shape[1];
  const int64_t size = assay_grid::group_cut(group_size, n).size;
  const auto *columns =
      reinterpret_cast<const int32_t *>(static_cast<const char *>(at->data) + at->byte_offset);
  const auto *bytes = static_cast<const int8_t *>(codes->data) + codes->byte_offset;
  for (int64_t row = 0; row < form->out_features; ++row)
    for (int64_t i = 0; i < n; ++i)
      to[row * form->in_features + columns[i]] =
          static_cast<float>(bytes[row * n + i]) *
          assay_grid::read_scale(*scales, row * groups + i / size);
}

}  // namespace

void dequantize_salient(assay_cpp::host host, const method_config &config, const assay_form *form,
                        const assay_tensor *out) {
  dequantize_form(host, form, out);
  float *to = cpu_floats(out, "the output");
  lay_over(form, "middle", config.grid.group_size, to);
  lay_over(form, "high", config.grid.group_size, to);
  const auto *at = assay_cpp::find(*form, "keep_idx"),
             *values = assay_cpp::find(*form, "keep_values");
  if (!at || !values) return;
  const auto *columns =
      reinterpret_cast<const int32_t *>(static_cast<const char *>(at->data) + at->byte_offset);
  const int64_t n = at->shape[0];
  for (int64_t row = 0; row < form->out_features; ++row)
    for (int64_t i = 0; i < n; ++i)
      to[row * form->in_features + columns[i]] = assay_grid::read_scale(*values, row * n + i);
}

}  // namespace hessian
