// Rounding is half to even by the magic-number addition, which compilers vectorise.
#include "grid.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "assay_json.hpp"

namespace scaling {
namespace {

float round_even(float x) {
  return (x + 12582912.0f) - 12582912.0f;
}

// The least and the largest of n values and 0. Lanes of their own, as compilers keep the order of a single one.
std::pair<float, float> range_of(const float *w, int64_t n) {
  constexpr int64_t k_lanes = 8;
  float low[k_lanes] = {}, high[k_lanes] = {};
  for (int64_t j = 0; j + k_lanes <= n; j += k_lanes)
    for (int64_t i = 0; i < k_lanes; ++i) {
      low[i] = w[j + i] < low[i] ? w[j + i] : low[i];
      high[i] = w[j + i] > high[i] ? w[j + i] : high[i];
    }
  for (int64_t j = n - n % k_lanes; j < n; ++j)
    low[0] = std::min(low[0], w[j]), high[0] = std::max(high[0], w[j]);
  return {*std::min_element(low, low + k_lanes), *std::max_element(high, high + k_lanes)};
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
  const auto [low, high] = range_of(w, n);
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
  for (int64_t j = 0; j < n; ++j) {
    const float x = w[j] / scale, raised = x < least ? least : x;
    w[j] = round_even(raised > most ? most : raised) * scale;
  }
}

}  // namespace scaling
