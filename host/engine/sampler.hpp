// Chooses the next token from one row of logits: penalties, temperature, top-k, top-p,
// a seeded draw.
#pragma once

#include <cstdint>
#include <random>
#include <unordered_map>
#include <vector>

#include "aten.hpp"

namespace assay::engine {

struct sampler_options {
  double temperature = 0;  // 0 = greedy
  int64_t top_k = 0;
  double top_p = 1;
  double repetition_penalty = 1;
  double presence_penalty = 0;
  int64_t n_sampled = 0;  // rows of the vocabulary that may be drawn; 0 = all
};

class sampler {
 public:
  sampler(const sampler_options &options, uint64_t seed) : options_(options), random_(seed) {}

  void saw_prompt(const std::vector<int64_t> &ids);
  struct choice {
    int64_t id = 0;
    float logprob = 0;  // under the model's own distribution
  };
  // logits: fp32 [vocab] on the CPU; not changed.
  choice next(const at::Tensor &logits);
  // Nats from the likeliest of the first n_sampled tokens to the second; 0 = all.
  static float margin(const at::Tensor &logits, int64_t n_sampled);

 private:
  void apply_penalties(std::vector<float> &scores) const;
  int64_t draw(const std::vector<float> &scores);

  sampler_options options_;
  std::mt19937_64 random_;
  std::unordered_map<int64_t, bool> seen_;  // id -> true: in the answer; false: only in the prompt
};

}  // namespace assay::engine
