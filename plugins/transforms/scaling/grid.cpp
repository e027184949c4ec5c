// Rounding is half to even by the magic-number addition, which compilers vectorise.
#include "grid.hpp"

#include <algorithm>
#include <cmath>

#include "assay_json.hpp"

namespace scaling {
namespace {

float round_even(float x) {
  return (x + 12582912.0f) - 12582912.0f;
}

}  // namespace

plain_grid grid_of(const assay_block &block) {
  plain_grid grid;
  if (!block.quantizer_json) return grid;
  const auto quantizer = assay_json::parse(block.quantizer_json);
  if (const auto *config = quantizer.find("config")) {
    grid.bits = static_cast<int>(config->number_or("bits", 4));
    grid.group_size = static_cast<int64_t>(config->number_or("group_size", 64));
    grid.symmetric = config->bool_or("symmetric", true);
  }
  return grid;
}

void round_group(float *w, int64_t n, const plain_grid &grid) {
  float low = 0, high = 0;
  for (int64_t j = 0; j < n; ++j) low = std::min(low, w[j]), high = std::max(high, w[j]);
  if (low == 0.0f && high == 0.0f) return;
  const float half = static_cast<float>(1 << (grid.bits - 1));
  float scale, zero = 0, least = -half, most = half - 1;
  if (grid.symmetric) {
    scale = -(-low >= high ? low : high) / half;  // full range: the signed extreme maps to -half
  } else {
    least = 0, most = 2 * half - 1;
    scale = (high - low) / most;
    zero = round_even(-low / scale);
  }
  least -= zero, most -= zero;
  for (int64_t j = 0; j < n; ++j) w[j] = round_even(std::clamp(w[j] / scale, least, most)) * scale;
}

}  // namespace scaling
