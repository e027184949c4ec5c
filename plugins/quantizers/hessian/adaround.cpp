// adaround: learns for every weight whether it goes to the grid point below or above (Nagel et al.,
// arXiv 2004.10568). The loss needs the inputs x only as H = sum x x^T, and the inputs of the float
// model only as sum x_float x^T (the cross-moment), so no activations are stored. plugins/METHODS.md
// has the formulas and what differs from the paper.
#include <algorithm>
#include <cmath>
#include <cstdio>

#include "factor.hpp"
#include "methods.hpp"
#include "simd.hpp"

namespace hessian {
namespace {

constexpr float k_stretch = 1.2f,
                k_below = -0.1f;    // h = clip(k_stretch * sigmoid(v) + k_below, 0, 1)
constexpr int k_sweeps = 4;         // passes over a row in descend()
constexpr float k_decided = 0.05f;  // a weight whose h is nearer than this to 0 or 1 has decided

// The state of learning. Each array is [out, in], flat, padded to whole vectors; step is 0 in the
// padding. W~ = W + delta is the present weight, and delta = base + step * h(v).
struct learning {
  std::vector<float> base;              // the grid point below, minus the float weight
  std::vector<float> floor;             // code - zero of the grid point below
  std::vector<float> step;              // scale; 0 if a neighbour is off the grid: no choice then
  std::vector<float> v, first, second;  // the learned variable, and Adam's two moments
  std::vector<float> delta;             // W~ - W
  std::vector<float> slope;             // half of d loss / d delta
};

// The numbers of one iteration.
struct adam_step {
  float rate, first_unbias, second_unbias;  // learning rate; factors that unbias the moments
  float fit;                                // factor on slope: 2 / normaliser of the loss
  float decide;    // lambda / number of free weights (those with a choice); 0 during warm-up
  float exponent;  // beta of the regulariser, the term that pushes h to 0 or 1
};

// h(v) = clip(k_stretch * sigmoid(v) + k_below, 0, 1), and its derivative dh.
HESSIAN_INLINE void rectified(const f32x16 &v, f32x16 &h, f32x16 &dh) {
  f32x16 e = -v;
  exp_of(e);
  const f32x16 sigmoid = 1.0f / (1.0f + e);
  const f32x16 raw = sigmoid * k_stretch + k_below, zero = {}, one = zero + 1.0f;
  h = raw < zero ? zero : raw;
  h = h > one ? one : h;
  dh = k_stretch * sigmoid * (1.0f - sigmoid);
  dh = raw < zero ? zero : dh;
  dh = raw > one ? zero : dh;
}

// The derivative of 1 - |2h - 1|^beta with respect to h.
HESSIAN_INLINE void regulariser_slope(const f32x16 &h, float beta, f32x16 &slope) {
  const f32x16 zero = {}, x = 2.0f * h - 1.0f;
  f32x16 magnitude = x < zero ? -x : x;
  const f32x16 least = zero + 1e-30f;
  magnitude = magnitude < least ? least : magnitude;
  log_of(magnitude);
  magnitude *= beta - 1.0f;
  exp_of(magnitude);
  slope = -2.0f * beta * magnitude;
  slope = x < zero ? -slope : slope;
}

// Makes one step of Adam for the elements [begin, end), which are whole vectors. Then computes delta
// from the new v.
HESSIAN_CLONES
void improve(learning &l, int64_t begin, int64_t end, const adam_step &a) {
  for (int64_t i = begin; i < end; i += k_lanes) {
    f32x16 v, first, second, step, slope, h, dh, base;
    load(v, l.v.data() + i);
    load(first, l.first.data() + i);
    load(second, l.second.data() + i);
    load(step, l.step.data() + i);
    load(slope, l.slope.data() + i);
    load(base, l.base.data() + i);
    rectified(v, h, dh);
    f32x16 gradient = slope * step * a.fit;
    if (a.decide > 0) {
      f32x16 push;
      regulariser_slope(h, a.exponent, push);
      gradient += a.decide * push;
    }
    gradient *= dh;
    first = 0.9f * first + 0.1f * gradient;
    second = 0.999f * second + 0.001f * (gradient * gradient);
    const f32x16 size = second * a.second_unbias;
    float lanes[k_lanes];
    store(lanes, size);
    for (float &lane : lanes) lane = std::sqrt(lane);
    f32x16 root;
    load(root, lanes);
    v -= a.rate * (first * a.first_unbias) / (root + 1e-8f);
    rectified(v, h, dh);
    store(l.v.data() + i, v);
    store(l.first.data() + i, first);
    store(l.second.data() + i, second);
    store(l.delta.data() + i, base + step * h);
  }
}

// Computes delta from v for the elements [begin, end), which are whole vectors.
HESSIAN_CLONES
void move_to(learning &l, int64_t begin, int64_t end) {
  for (int64_t i = begin; i < end; i += k_lanes) {
    f32x16 v, h, dh, base, step;
    load(v, l.v.data() + i);
    load(base, l.base.data() + i);
    load(step, l.step.data() + i);
    rectified(v, h, dh);
    store(l.delta.data() + i, base + step * h);
  }
}

// Learns the rounding of one linear: begin(), learn(), harden(), then descend() on the codes.
class learner {
 public:
  learner(assay_cpp::host host, const method_config &config, const hessian_input &input,
          const std::vector<group_grid> &grids)
      : host_(host),
        config_(config),
        in_(input),
        grids_(grids),
        n_(input.out * input.in),
        padded_((n_ + k_lanes - 1) / k_lanes * k_lanes),
        h_(input.h, input.h + input.in * input.in) {
    add_to_diagonal(0);
  }

  // Adds a share of mean(diag H) to the diagonal of H, as gptq does. Without it, errors would cost
  // almost nothing in directions that few tokens have.
  void damp(double damping) {
    double mean = 0;
    for (const float d : in_.diagonal) mean += static_cast<double>(d);
    add_to_diagonal(damping * mean / static_cast<double>(in_.in));
  }

  // From now on the loss compares with the output of the float model on its own inputs. Let D = W~ - W,
  // C = sum x_float x^T (cross, [in, in]) and T = W (C - H). The loss tr(D H D^T) then becomes
  // tr(D H D^T) - 2 tr(T D^T). Call this before damp(), because T needs H without damping.
  void set_target(const float *cross) {
    std::vector<float> difference(static_cast<size_t>(in_.in * in_.in));
    for (size_t i = 0; i < difference.size(); ++i) difference[i] = cross[i] - h_[i];
    target_.resize(static_cast<size_t>(n_));
    auto w = in_.w;
    product(w, difference, false, target_, 0.0);
  }

  // Lets each weight choose between the two grid points around its value in `start` [out, in].
  void begin(const std::vector<float> &start) {
    for (auto *array :
         {&l_.base, &l_.floor, &l_.step, &l_.v, &l_.first, &l_.second, &l_.delta, &l_.slope})
      array->assign(static_cast<size_t>(padded_), 0.0f);
    const auto &o = config_.grid;
    const int64_t groups = o.groups(in_.in), size = o.group(in_.in);
    host_.parallel_for(in_.out, 16, [&](int64_t first, int64_t last) {
      for (int64_t i = first * in_.in; i < last * in_.in; ++i) {
        const auto at = static_cast<size_t>(i);
        const auto &grid = grids_[static_cast<size_t>(i / in_.in * groups + i % in_.in / size)];
        const float low = o.low() - grid.zero, high = o.high() - grid.zero;
        const float x = start[at] / grid.scale, below = std::floor(x);
        l_.floor[at] = std::clamp(below, low, high);
        l_.base[at] = grid.scale * l_.floor[at] - in_.w[at];
        if (below < low || below >= high) continue;  // beyond the grid: no choice
        l_.step[at] = grid.scale;
        // Learning starts from the v for which h(v) = share.
        const float share = std::clamp(x - below, 0.005f, 0.995f);
        l_.v[at] = -std::log(k_stretch / (share - k_below) - 1.0f);
      }
    });
    for (const float step : l_.step) free_ += step != 0.0f;
    host_.parallel_for(padded_ / k_lanes, 2048, [&](int64_t first, int64_t last) {
      move_to(l_, first * k_lanes, last * k_lanes);
    });
  }

  // Runs Adam. The loss is divided by `normaliser`, which is the loss of round to nearest.
  void learn(double normaliser) {
    const int total = config_.iterations, warm = static_cast<int>(config_.warm_up * total);
    double one = 1, two = 1;  // powers of Adam's decay rates
    for (int i = 0; i < total; ++i) {
      host_.progress(static_cast<uint64_t>(i), static_cast<uint64_t>(total), "iterations");
      take_slope();
      one *= 0.9, two *= 0.999;
      const double done = total > warm + 1 ? double(i - warm) / double(total - warm - 1) : 1.0;
      adam_step a{};
      a.rate = static_cast<float>(config_.rate);
      a.first_unbias = static_cast<float>(1 / (1 - one));
      a.second_unbias = static_cast<float>(1 / (1 - two));
      a.fit = static_cast<float>(2 / normaliser);
      a.decide = i < warm ? 0.0f
                          : static_cast<float>(config_.regulariser /
                                               static_cast<double>(std::max<int64_t>(1, free_)));
      a.exponent = static_cast<float>(config_.beta_high +
                                      (config_.beta_low - config_.beta_high) * std::max(0.0, done));
      host_.parallel_for(padded_ / k_lanes, 2048, [&](int64_t first, int64_t last) {
        improve(l_, first * k_lanes, last * k_lanes, a);
      });
    }
  }

  // Writes the codes with h rounded to 0 or 1. Returns the share of free weights (those with a choice)
  // whose h was not yet near 0 or 1.
  double harden(std::vector<int16_t> &codes) {
    const auto &o = config_.grid;
    const int64_t groups = o.groups(in_.in), size = o.group(in_.in);
    int64_t undecided = 0;
    for (int64_t i = 0; i < n_; ++i) {
      const auto at = static_cast<size_t>(i);
      const float h = std::clamp(k_stretch / (1.0f + std::exp(-l_.v[at])) + k_below, 0.0f, 1.0f);
      const bool free = l_.step[at] != 0.0f;
      undecided += free && h > k_decided && h < 1 - k_decided;
      const auto &grid = grids_[static_cast<size_t>(i / in_.in * groups + i % in_.in / size)];
      codes[at] =
          static_cast<int16_t>(l_.floor[at] + (free && h >= 0.5f ? 1.0f : 0.0f) + grid.zero);
    }
    return free_ ? static_cast<double>(undecided) / static_cast<double>(free_) : 0.0;
  }

  // Moves single weights to their other grid point where that lowers the loss of the row. Returns the
  // number of moves.
  int64_t descend(std::vector<int16_t> &codes) {
    loss_of(codes, true);  // slope is now delta H
    const auto &o = config_.grid;
    const int64_t groups = o.groups(in_.in), size = o.group(in_.in);
    std::vector<int64_t> flips(static_cast<size_t>(in_.out));
    host_.parallel_for(in_.out, 4, [&](int64_t first, int64_t last) {
      for (int64_t row = first; row < last; ++row)
        for (int sweep = 0; sweep < k_sweeps; ++sweep)
          for (int64_t j = 0; j < in_.in; ++j) {
            const auto at = static_cast<size_t>(row * in_.in + j);
            if (l_.step[at] == 0.0f) continue;
            const auto &grid = grids_[static_cast<size_t>(row * groups + j / size)];
            const bool up = static_cast<float>(codes[at]) - grid.zero > l_.floor[at];
            const float step = up ? -l_.step[at] : l_.step[at];
            const float *h = h_.data() + j * in_.in;
            const float target = target_.empty() ? 0.0f : target_[at];
            if (2 * step * (l_.slope[at] - target) + step * step * h[j] >= 0) continue;
            codes[at] = static_cast<int16_t>(codes[at] + (up ? -1 : 1));
            ++flips[static_cast<size_t>(row)];
            for (int64_t k = 0; k < in_.in; ++k)
              l_.slope[static_cast<size_t>(row * in_.in + k)] += step * h[k];
          }
    });
    int64_t all = 0;
    for (const int64_t n : flips) all += n;
    return all;
  }

  // Returns tr(D H D^T), where D is the weight of these codes minus W. If with_target is true and
  // set_target was called, returns tr(D H D^T) - 2 tr(T D^T). Overwrites delta and slope.
  double loss_of(const std::vector<int16_t> &codes, bool with_target) {
    const auto &o = config_.grid;
    const int64_t groups = o.groups(in_.in), size = o.group(in_.in);
    l_.delta.resize(static_cast<size_t>(padded_));
    l_.slope.resize(static_cast<size_t>(padded_));
    for (int64_t i = 0; i < n_; ++i) {
      const auto at = static_cast<size_t>(i);
      const auto &grid = grids_[static_cast<size_t>(i / in_.in * groups + i % in_.in / size)];
      l_.delta[at] = grid.scale * (static_cast<float>(codes[at]) - grid.zero) - in_.w[at];
    }
    product(l_.delta, h_, true, l_.slope, 0.0);
    const bool use_target = with_target && !target_.empty();
    double sum = 0;
    for (int64_t i = 0; i < n_; ++i) {
      const auto at = static_cast<size_t>(i);
      const double t = use_target ? 2.0 * static_cast<double>(target_[at]) : 0.0;
      sum += static_cast<double>(l_.delta[at]) * (static_cast<double>(l_.slope[at]) - t);
    }
    return sum;
  }

 private:
  // slope = delta H - T
  void take_slope() {
    if (!target_.empty())
      for (size_t i = 0; i < target_.size(); ++i) l_.slope[i] = -target_[i];
    product(l_.delta, h_, true, l_.slope, target_.empty() ? 0.0 : 1.0);
  }

  // c = a b + keep c. A symmetric b equals its transpose, so it is passed as transposed: the host
  // computes that product faster.
  void product(std::vector<float> &a, const std::vector<float> &b, bool symmetric,
               std::vector<float> &c, double keep) {
    const matrix_view left(a.data(), in_.out, in_.in, in_.in),
        right(const_cast<float *>(b.data()), in_.in, in_.in, in_.in),
        result(c.data(), in_.out, in_.in, in_.in);
    multiply(host_, 1.0, left, right, symmetric, keep, result);
  }

  void add_to_diagonal(double more) {
    for (int64_t j = 0; j < in_.in; ++j)
      h_[static_cast<size_t>(j * in_.in + j)] =
          in_.diagonal[static_cast<size_t>(j)] + static_cast<float>(more);
  }

  assay_cpp::host host_;
  const method_config &config_;
  const hessian_input &in_;
  const std::vector<group_grid> &grids_;
  int64_t n_, padded_, free_ = 0;
  std::vector<float> h_;  // H; 1 on the diagonal where the input was always 0; damp() adds to it
  learning l_;
  std::vector<float> target_;  // T [out, in]; empty = none
};

// Returns the codes of round to nearest, [out, in].
std::vector<int16_t> nearest_codes(const method_config &config, const hessian_input &input,
                                   const std::vector<group_grid> &grids) {
  const auto &o = config.grid;
  const int64_t groups = o.groups(input.in), size = o.group(input.in);
  std::vector<int16_t> codes(input.w.size());
  for (size_t i = 0; i < codes.size(); ++i) {
    const auto at = static_cast<int64_t>(i);
    const auto &grid = grids[static_cast<size_t>(at / input.in * groups + at % input.in / size)];
    codes[i] = static_cast<int16_t>(code_of(input.w[i], grid, o.low(), o.high()));
  }
  return codes;
}

// Returns the codes that learning starts from: the nearest ones, or those of gptq. Writes to `start`
// the weights from which they were rounded.
std::vector<int16_t> starting_codes(assay_cpp::host host, const method_config &config,
                                    const hessian_input &input, std::vector<group_grid> &grids,
                                    std::vector<float> &start) {
  if (!config.from_gptq) {
    start = input.w;
    return nearest_codes(config, input, grids);
  }
  auto p = begin_feedback(host, input, input.w, column_order(input.diagonal, true));
  factor(p, input, config.damping);
  p.compensated.resize(input.w.size());
  feed_back(p, whole_range(config, p, grids));
  start = std::move(p.compensated);
  return std::move(p.codes);
}

}  // namespace

void adaround(assay_cpp::host host, const method_config &config, const assay_linear *linear,
              const assay_stats *stats, assay_cpp::sink sink) {
  const auto input = read_input(host, linear, stats);
  auto grids = fit_grids(host, input.w.data(), input.diagonal.data(), input.out, input.in,
                         config.grid, clip_of(linear));
  std::vector<float> start;
  auto codes = starting_codes(host, config, input, grids, start);
  learner work(host, config, input, grids);
  if (config.float_target) work.set_target(cpu_floats(stats->cross, "the cross-moment"));
  work.damp(config.damping);
  const double rounded = work.loss_of(nearest_codes(config, input, grids), false);
  const double before = work.loss_of(codes, true);
  std::vector<int16_t> learned = codes;
  double undecided = 0;
  if (rounded > 0) {
    work.begin(start);
    work.learn(rounded);
    undecided = work.harden(learned);
  }
  const double after = work.loss_of(learned, true);
  const bool better = after <= before;
  if (better)
    codes = std::move(learned);
  else
    host.ledger("kept_start", 1, "learning ended above the loss that it started from");
  const int64_t flips = config.descend && rounded > 0 ? work.descend(codes) : 0;
  char claims[220];
  std::snprintf(claims, sizeof claims,
                "\"loss_before\": %.9g, \"loss_learned\": %.9g, \"loss\": %.9g, \"undecided\": "
                "%.6g, \"flips\": %lld, \"kept_start\": %s",
                before, after, work.loss_of(codes, true), undecided, static_cast<long long>(flips),
                better ? "false" : "true");
  emit_form(host, sink, codes, grids, input.out, input.in, config.grid, claims);
}

}  // namespace hessian
