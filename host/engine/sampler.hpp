// Chooses the next token from one row of logits, by penalties, temperature, top-k, top-p and a
// draw with a seed.
#pragma once

#include <cstdint>
#include <random>
#include <unordered_map>
#include <vector>

#include "aten.hpp"

namespace assay::engine {

struct sampler_options {   // the fields mean the same as in generate_options
  double temperature = 0;  // 0 = greedy
  int64_t top_k = 0;
  double top_p = 1;
  double repetition_penalty = 1;
  double presence_penalty = 0;
  int64_t n_sampled = 0;  // only ids below this number are chosen; 0 = all
};

class sampler {
 public:
  sampler(const sampler_options &options, uint64_t seed) : options_(options), random_(seed) {}

  // Notes the ids of the prompt: the repetition penalty applies to them too
  void saw_prompt(const std::vector<int64_t> &ids);
  struct choice {
    int64_t id = 0;
    float logprob = 0;  // nats, before penalties and temperature
    float log_sum = 0;  // log-sum-exp of the whole row of logits
  };
  // logits: fp32 [vocab] on the CPU; not changed. never: ids that are not chosen.
  choice next(const at::Tensor &logits, const std::vector<int64_t> &never = {});
  // Returns the log-probability of the likeliest of the first n_sampled ids (0 = all) minus that of
  // the second likeliest, in nats.
  static float margin(const at::Tensor &logits, int64_t n_sampled);

 private:
  void apply_penalties(std::vector<float> &scores) const;
  int64_t draw(const std::vector<float> &scores);

  sampler_options options_;
  std::mt19937_64 random_;
  std::unordered_map<int64_t, bool> seen_;  // id -> true: in the answer; false: only in the prompt
};

}  // namespace assay::engine
