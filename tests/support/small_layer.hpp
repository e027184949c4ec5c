// An assay_linear (one weight matrix, as a plugin sees it) for plugin tests, with small normal weights from a fixed seed.
#pragma once

#include <assay.h>

#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "plug/tensor.hpp"

namespace test {

// Normal random numbers by the methods xorshift64* and Box-Muller: the standard library's std::normal_distribution
// gives other numbers in another library.
class normal_numbers {
 public:
  explicit normal_numbers(uint64_t seed) : state_(seed * 2654435769u + 88172645463325252u) {}
  double uniform() {
    state_ ^= state_ >> 12;
    state_ ^= state_ << 25;
    state_ ^= state_ >> 27;
    return (static_cast<double>((state_ * 2685821657736338717u) >> 11) + 0.5) * 0x1p-53;
  }
  float next() {
    return static_cast<float>(std::sqrt(-2 * std::log(uniform())) *
                              std::cos(6.283185307179586 * uniform()));
  }

 private:
  uint64_t state_;
};

class small_layer {
 public:
  small_layer(int64_t rows, int64_t columns, uint64_t seed = 1)
      : weight(static_cast<size_t>(rows * columns)),
        view_(weight.data(), assay::plug::k_f32, {rows, columns}) {
    normal_numbers numbers(seed);
    for (float &w : weight) w = 0.05f * numbers.next();
    layer_.struct_size = sizeof layer_;
    layer_.name = "test.layer";
    layer_.role = "mlp.up";
    layer_.tie_group = "";
    layer_.arch_json = "{}";
    layer_.out_features = rows;
    layer_.in_features = columns;
    layer_.weight = view_.get();
    for (const float w : weight)
      layer_.tie_abs_max = std::max(layer_.tie_abs_max, std::fabs(double{w}));
  }
  small_layer(const small_layer &) = delete;
  small_layer &operator=(const small_layer &) = delete;
  const assay_linear &get() const { return layer_; }
  assay_linear &get() { return layer_; }

  std::vector<float> weight;  // [rows, columns]

 private:
  assay::plug::tensor_view view_;
  assay_linear layer_{};
};

}  // namespace test
