// Computes the inverse frequencies of each kind of RoPE. Sources: transformers 5.23, modeling_rope_utils.py.
#include "model/rope.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace assay::model {
namespace {

at::Tensor llama3(const rope_config &rope, const at::Tensor &base) {
  const double original = static_cast<double>(rope.original_max_positions);
  const double low_wavelength = original / rope.low_freq_factor,
               high_wavelength = original / rope.high_freq_factor;
  const at::Tensor wavelength = 2 * std::numbers::pi / base;
  const at::Tensor slow = at::where(wavelength > low_wavelength, base / rope.factor, base);
  const at::Tensor smooth = (original / wavelength - rope.low_freq_factor) /
                            (rope.high_freq_factor - rope.low_freq_factor);
  const at::Tensor between = (1 - smooth) * slow / rope.factor + smooth * slow;
  const at::Tensor is_between =
      (wavelength >= high_wavelength).logical_and(wavelength <= low_wavelength);
  return at::where(is_between, between, slow);
}

// YaRN (arXiv 2309.00071, section 3.2): channels that turn often within the original context keep their
// frequency, those that turn seldom get the divided one, and between the two limits the share falls linearly.
at::Tensor yarn(const rope_config &rope, const at::Tensor &powers, int64_t head_dim) {
  const auto width = static_cast<double>(head_dim);
  const auto channel_with = [&](double turns) {
    const auto original = static_cast<double>(rope.original_max_positions);
    return width * std::log(original / (turns * 2 * std::numbers::pi)) / (2 * std::log(rope.theta));
  };
  double low = channel_with(rope.beta_fast), high = channel_with(rope.beta_slow);
  if (rope.whole_limits) low = std::floor(low), high = std::ceil(high);
  low = std::max(low, 0.0), high = std::min(high, width - 1);
  if (low == high) high += 0.001;
  const at::Tensor ramp = ((at::arange(head_dim / 2, at::kFloat) - low) / (high - low)).clamp(0, 1);
  const at::Tensor kept = 1 - ramp;
  return (rope.factor * powers).reciprocal() * (1 - kept) + powers.reciprocal() * kept;
}

}  // namespace

double yarn_factor(double scale, double m) {
  return scale <= 1 ? 1 : 0.1 * m * std::log(scale) + 1;
}

int64_t turned_channels(const rope_config &rope, int64_t head_dim) {
  return static_cast<int64_t>(static_cast<double>(head_dim) * rope.partial);
}

at::Tensor inverse_frequencies(const rope_config &rope, int64_t head_dim) {
  const int64_t width = turned_channels(rope, head_dim);
  const at::Tensor exponent = at::arange(0, width, 2, at::kLong).to(at::kFloat) / width;
  const at::Tensor powers = at::pow(rope.theta, exponent);
  if (rope.type == "yarn") return yarn(rope, powers, width);
  if (rope.type == "longrope") return (at::tensor(rope.divisors, at::kFloat) * powers).reciprocal();
  const at::Tensor base = powers.reciprocal();
  if (rope.type == "linear") return base / rope.factor;
  if (rope.type == "llama3") return llama3(rope, base);
  return base;  // default; dynamic, which differs only beyond max_position_embeddings
}

}  // namespace assay::model
