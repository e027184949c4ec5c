// The table of the block types, and the code of one weight.
#include "block_type.hpp"

#include <algorithm>

namespace hessian {
namespace {

constexpr block_type k_types[] = {
    {"Q2_K", 2, 256, 16, 0, 4, 0, true, false, "Q4_0"},
    {"Q3_K", 3, 256, 16, -4, 6, -32, false, false, "Q4_0"},
    {"Q4_K", 4, 256, 32, 0, 6, 0, true, false, "Q5_0"},
    {"Q5_K", 5, 256, 32, 0, 6, 0, true, false, "Q5_1"},
    {"Q6_K", 6, 256, 16, -32, 8, -128, false, false, "Q8_0"},
    {"IQ4_XS", 4, 256, 32, 0, 6, -32, false, true, "IQ4_NL"},
    {"IQ4_NL", 4, 32, 32, 0, 0, 0, false, true, nullptr},
    {"Q4_0", 4, 32, 32, -8, 0, 0, false, false, nullptr},
    {"Q4_1", 4, 32, 32, 0, 0, 0, true, false, nullptr},
    {"Q5_0", 5, 32, 32, -16, 0, 0, false, false, nullptr},
    {"Q5_1", 5, 32, 32, 0, 0, 0, true, false, nullptr},
    {"Q8_0", 8, 32, 32, -128, 0, 0, false, false, nullptr},
};

}  // namespace

const block_type &block_type_of(const std::string &name) {
  for (const auto &type : k_types)
    if (name == type.name) return type;
  throw assay_cpp::argument_problem("no block type is called '" + name + "'");
}

int nearest_fixed(float x) {
  int index = 0;
  for (int step = 8; step > 0; step /= 2) {
    const int next = index + step;
    if (x + x >= k_fixed_values[next - 1] + k_fixed_values[next]) index = next;
  }
  return index;
}

int code_of(const block_type &type, float w, float scale, float minimum) {
  if (scale == 0.0f) return type.lowest;
  const float x = (type.minimum ? w + minimum : w) / scale;
  if (type.fixed) return nearest_fixed(x);
  const auto low = static_cast<float>(type.lowest), high = static_cast<float>(type.highest());
  return static_cast<int>(assay_grid::round_even(std::clamp(x, low, high)));
}

}  // namespace hessian
