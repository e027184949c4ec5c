// RoPE (rotary position embedding): the angle by which each pair of channels turns at each position, in all the kinds
// that the families use (checkpoint/FORMATS.md, "RoPE scaling").
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "aten.hpp"

namespace assay::model {

struct rope_config {
  std::string type = "default";  // default | linear | dynamic | llama3 | yarn | longrope
  double theta = 10000.0;
  double partial = 1;   // the part of a head's channels that turn, the first ones
  double factor = 1.0;  // linear, llama3, yarn
  double low_freq_factor = 1.0, high_freq_factor = 4.0;  // llama3
  double beta_fast = 32, beta_slow = 1;                  // yarn: turns within the original context
  bool whole_limits = true;  // yarn: the limits between channels are whole numbers
  // longrope, [turned_channels / 2]: of texts within the original context
  std::vector<double> divisors;
  double attention_factor = 1;  // cos and sin are multiplied by it
  // llama3, yarn, longrope: context before scaling, in tokens
  int64_t original_max_positions = 8192;
};

// The number of channels of a head that turn.
int64_t turned_channels(const rope_config &rope, int64_t head_dim);

// Returns the inverse frequencies, [turned_channels / 2] fp32, by transformers' formulas and in its order of
// operations. theta > 0, turned_channels even and greater than 0.
at::Tensor inverse_frequencies(const rope_config &rope, int64_t head_dim);

// 0.1 m ln(scale) + 1, by which YaRN raises the attention's temperature (arXiv 2309.00071, section 3.4); 1 if scale <= 1.
double yarn_factor(double scale, double m = 1);

}  // namespace assay::model
