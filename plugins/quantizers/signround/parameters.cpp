// Forward and backward of the fake quantization, group by group. Straight-through where round
// stands: round(x)' = 1; clip(x)' = 0 beyond the grid (auto-round's round_ste and clamp).
#include "parameters.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

namespace signround {
namespace {

constexpr float k_push = 12582912.0f;  // 1.5 * 2^23: rounds half to even for |x| < 2^22

float round_even(float x) {
  return (x + k_push) - k_push;
}

float sign_of(float x) {
  return x > 0 ? 1.0f : x < 0 ? -1.0f : 0.0f;
}

struct group_part {
  const float *w, *slope;
  float *offset;
  int64_t count;
};

// One step of the offsets of a group; returns d loss / d scale. With w~ = s q: q - w / s inside the grid (through
// w / s), q beyond. Straight loops over pieces, so that the compiler makes vectors of them.
double move_offsets(const group_part &g, float scale, float low, float high, float rate) {
  constexpr int64_t k_piece = 128;
  float term[k_piece];
  double sums[4] = {};
  for (int64_t first = 0; first < g.count; first += k_piece) {
    const int64_t n = std::min(k_piece, g.count - first);
    const float *w = g.w + first, *slope = g.slope + first;
    float *offset = g.offset + first;
    for (int64_t j = 0; j < n; ++j) {
      const float ratio = w[j] / scale, x = round_even(ratio + offset[j]);
      const float raised = x < low ? low : x, q = raised > high ? high : raised;
      const bool inside = x == q;
      term[j] = slope[j] * (inside ? q - ratio : q);
      const float down = slope[j] * scale, direction = down > 0 ? rate : down < 0 ? -rate : 0.0f;
      const float moved = offset[j] - direction, above = moved < -0.5f ? -0.5f : moved;
      offset[j] = !inside ? offset[j] : above > 0.5f ? 0.5f : above;
    }
    for (int64_t j = 0; j < n; ++j) sums[j % 4] += static_cast<double>(term[j]);
  }
  return (sums[0] + sums[1]) + (sums[2] + sums[3]);
}

// A float that is a float16 or bfloat16 already, to its bits.
uint16_t narrow_bits(scale_dtype dtype, float x) {
  const uint32_t bits = std::bit_cast<uint32_t>(x);
  if (dtype == scale_dtype::bfloat16) return static_cast<uint16_t>(bits >> 16);
  return static_cast<uint16_t>((bits >> 16 & 0x8000u) |
                               (((bits >> 23 & 0xFFu) - 112u) << 10 & 0x7C00u) |
                               (bits >> 13 & 0x3FFu));
}

}  // namespace

assay_dtype dtype_of(scale_dtype dtype) {
  return dtype == scale_dtype::float16    ? assay_cpp::k_f16
         : dtype == scale_dtype::bfloat16 ? assay_cpp::k_bf16
                                          : assay_cpp::dtype_of<float>();
}

bool overflows(scale_dtype dtype, float scale) {
  const float size = std::fabs(scale);
  if (dtype == scale_dtype::float32) return !std::isfinite(size);
  if (dtype == scale_dtype::float16) return !(size < 65520.0f);  // half a step above the largest
  return std::bit_cast<uint32_t>(size) >= 0x7F7F8000u;           // likewise
}

bool is_too_small(scale_dtype dtype, float scale) {
  const float least = dtype == scale_dtype::float16 ? 0x1p-14f : std::numeric_limits<float>::min();
  return std::fabs(scale) < least;
}

float stored_scale(scale_dtype dtype, float scale) {
  if (dtype == scale_dtype::float32)
    return std::copysign(std::max(std::fabs(scale), std::numeric_limits<float>::min()), scale);
  const bool half = dtype == scale_dtype::float16;
  const float least = half ? 0x1p-14f : std::numeric_limits<float>::min(),
              most = half ? 65504.0f : 3.38e38f;
  const int dropped = half ? 13 : 16;  // bits of the mantissa
  const float size = std::clamp(std::fabs(scale), least, most);
  uint32_t bits = std::bit_cast<uint32_t>(size);
  bits += (1u << (dropped - 1)) - 1 + (bits >> dropped & 1u);  // half to even
  bits &= ~((1u << dropped) - 1);
  return std::copysign(std::min(std::bit_cast<float>(bits), most), scale);
}

float load_scale(const assay_tensor &scales, int64_t i) {
  const auto *bytes = static_cast<const char *>(scales.data) + scales.byte_offset;
  if (scales.dtype.bits == 32) return reinterpret_cast<const float *>(bytes)[i];
  const uint32_t bits = reinterpret_cast<const uint16_t *>(bytes)[i];
  if (scales.dtype.code == ASSAY_BFLOAT) return std::bit_cast<float>(bits << 16);
  return std::bit_cast<float>((bits & 0x8000u) << 16 | ((bits >> 10 & 0x1Fu) + 112u) << 23 |
                              (bits & 0x3FFu) << 13);  // normal: stored_scale sees to that
}

parameters::parameters(const grid &g, const float *w, const float *importance, int64_t out,
                       int64_t in)
    : g_(g), w_(w), out_(out), in_(in), groups_(g.groups(in)), size_(g.group(in)) {
  const auto n = static_cast<size_t>(out * groups_);
  low_.resize(n);
  high_.resize(n);
  small_.resize(n);
  for (int64_t row = 0; row < out; ++row)
    for (int64_t k = 0; k < groups_; ++k) {
      const int64_t first = k * size_, count = std::min(size_, in - first);
      const float *x = w + row * in + first;
      const auto at = static_cast<size_t>(row * groups_ + k);
      low_[at] = std::min(0.0f, *std::min_element(x, x + count));
      high_[at] = std::max(0.0f, *std::max_element(x, x + count));
      // As in grid_of, of the whole range.
      const float scale = g.symmetric ? std::max(-low_[at], high_[at]) / -g.low()
                                      : high_[at] / g.high() - low_[at] / g.high();
      if (overflows(g.stored, scale))
        throw assay_cpp::failure(ASSAY_NUMERICAL, "the scale of row " + std::to_string(row) +
                                                      ", group " + std::to_string(k) +
                                                      " overflows scale_dtype");
      small_[at] = scale > 0 && is_too_small(g.stored, scale) ? 1 : 0;
      if (g.symmetric && g.searched)
        high_[at] = searched_scale(x, importance ? importance + first : nullptr, count);
    }
  now_.offset.assign(static_cast<size_t>(out * in), 0.0f);
  now_.alpha.assign(n, 1.0f);
  now_.beta.assign(n, 1.0f);
  kept_ = now_;
}

// Least sum m (w - s q)^2 over factors 0.6 .. 1.15 of the full range and both signs.
float parameters::searched_scale(const float *w, const float *m, int64_t n) const {
  float extreme = 0;
  for (int64_t j = 0; j < n; ++j)
    if (std::fabs(w[j]) > std::fabs(extreme)) extreme = w[j];
  if (extreme == 0.0f) return 1.0f;
  float best = 0;
  double least = std::numeric_limits<double>::infinity();
  for (int i = 0; i < 48; ++i) {
    const float factor = i % 24 == 23 ? 1.0f : 0.6f + 0.025f * static_cast<float>(i % 24);
    const float scale =
        stored_scale(g_.stored, -extreme / -g_.low() * factor * (i < 24 ? 1.0f : -1.0f));
    double error = 0;
    for (int64_t j = 0; j < n; ++j) {
      const float q = std::clamp(round_even(w[j] / scale), g_.low(), g_.high());
      const double d = static_cast<double>(w[j] - scale * q);
      error += (m ? static_cast<double>(m[j]) : 1.0) * d * d;
    }
    if (error < least) least = error, best = scale;
  }
  return best;
}

parameters::group_grid parameters::grid_of(const state &at, int64_t row, int64_t k) const {
  const auto i = static_cast<size_t>(row * groups_ + k);
  group_grid out{1, 0, 0, 0, false};
  if (g_.symmetric && g_.searched) {
    out.by_alpha = high_[i];
    out.scale = stored_scale(g_.stored, high_[i] * at.alpha[i]);
    out.raised = small_[i] != 0 || is_too_small(g_.stored, high_[i] * at.alpha[i]);
    return out;
  }
  const float high = high_[i] * at.alpha[i], low = low_[i] * at.beta[i];
  if (g_.symmetric) {  // full range: the signed extreme maps to -2^(b-1)
    const bool lower = -low >= high;
    (lower ? out.by_beta : out.by_alpha) = (lower ? low_[i] : high_[i]) / g_.low();
    out.scale = stored_scale(g_.stored, (lower ? low : high) / g_.low());
    out.raised = is_too_small(g_.stored, (lower ? low : high) / g_.low());
    if (low == 0.0f && high == 0.0f) out.scale = 1.0f, out.raised = false;
    return out;
  }
  out.by_alpha = high_[i] / g_.high();
  out.by_beta = -low_[i] / g_.high();
  out.scale = low == high ? 1.0f : stored_scale(g_.stored, (high - low) / g_.high());
  out.raised = low != high && is_too_small(g_.stored, (high - low) / g_.high());
  out.zero = std::clamp(round_even(-low / out.scale), 0.0f, g_.high());
  return out;
}

void parameters::weight(float *to, int64_t begin, int64_t end) {
  for (int64_t row = begin; row < end; ++row)
    for (int64_t k = 0; k < groups_; ++k) {
      const auto grid = grid_of(now_, row, k);
      const float low = g_.low() - grid.zero, high = g_.high() - grid.zero;
      const int64_t last = row * in_ + std::min(in_, (k + 1) * size_);
      for (int64_t j = row * in_ + k * size_; j < last; ++j) {
        const float x = w_[j] / grid.scale + now_.offset[static_cast<size_t>(j)];
        to[j] = grid.scale * round_even(std::clamp(x, low, high));
      }
    }
}

void parameters::step(const float *slope, float rate, float range_rate, int64_t begin,
                      int64_t end) {
  for (int64_t row = begin; row < end; ++row)
    for (int64_t k = 0; k < groups_; ++k) {
      const auto grid = grid_of(now_, row, k);
      const float low = g_.low() - grid.zero, high = g_.high() - grid.zero;
      const int64_t first = row * in_ + k * size_;
      const double by_scale = move_offsets(
          {w_ + first, slope + first, now_.offset.data() + first, std::min(size_, in_ - k * size_)},
          grid.scale, low, high, rate);
      const auto i = static_cast<size_t>(row * groups_ + k);
      const auto move = [&](float &factor, float by) {
        const float gradient = static_cast<float>(by_scale) * by;
        const float most = g_.symmetric && g_.searched ? 1.5f : 1.0f;
        factor = std::clamp(factor - range_rate * sign_of(gradient), most > 1 ? 0.5f : 0.0f, most);
      };
      if (range_rate > 0) {
        move(now_.alpha[i], grid.by_alpha);
        move(now_.beta[i], grid.by_beta);
      }
    }
}

uint64_t parameters::encode(uint8_t *codes, void *scales, uint8_t *zeros, int64_t begin,
                            int64_t end) const {
  uint64_t raised = 0;
  for (int64_t row = begin; row < end; ++row)
    for (int64_t k = 0; k < groups_; ++k) {
      const auto grid = grid_of(now_, row, k);
      const int64_t at = row * groups_ + k;
      raised += grid.raised ? 1 : 0;
      if (g_.stored == scale_dtype::float32)
        static_cast<float *>(scales)[at] = grid.scale;
      else
        static_cast<uint16_t *>(scales)[at] = narrow_bits(g_.stored, grid.scale);
      if (zeros) zeros[at] = static_cast<uint8_t>(grid.zero);
      const float low = g_.low() - grid.zero, high = g_.high() - grid.zero;
      const int64_t last = row * in_ + std::min(in_, (k + 1) * size_);
      for (int64_t j = row * in_ + k * size_; j < last; ++j) {
        const float x = w_[j] / grid.scale + now_.offset[static_cast<size_t>(j)];
        codes[j] = static_cast<uint8_t>(
            static_cast<int>(round_even(std::clamp(x, low, high)) + grid.zero));
      }
    }
  return raised;
}

}  // namespace signround
