// Chooses a token. As in transformers, the repetition penalty comes first, then
// temperature, top-k and top-p. The presence penalty, which transformers does not have,
// follows the repetition penalty.
#include "engine/sampler.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "kernels/fused_loops.hpp"

namespace assay::engine {
namespace {

// Returns a random number in [0, 1) from 53 random bits. This file draws and sums probabilities
// itself, because the distributions of std differ between standard libraries.
double uniform(std::mt19937_64 &random) {
  return static_cast<double>(random() >> 11) * 0x1p-53;
}

int64_t drawable(const at::Tensor &logits, int64_t n_sampled) {
  return n_sampled > 0 ? std::min(n_sampled, logits.numel()) : logits.numel();
}

}  // namespace

void sampler::saw_prompt(const std::vector<int64_t> &ids) {
  for (const int64_t id : ids) seen_.emplace(id, false);
}

void sampler::apply_penalties(std::vector<float> &scores) const {
  if (options_.repetition_penalty == 1 && options_.presence_penalty == 0) return;
  const auto penalty = static_cast<float>(options_.repetition_penalty);
  for (const auto &[id, in_answer] : seen_) {
    if (id < 0 || id >= static_cast<int64_t>(scores.size())) continue;
    float &score = scores[static_cast<size_t>(id)];
    score = score > 0 ? score / penalty : score * penalty;
    if (in_answer) score -= static_cast<float>(options_.presence_penalty);
  }
}

// Sorts candidates by falling score (equal scores by id) and keeps the first top_k. Of these, keeps
// the smallest set whose probability reaches top_p, and draws one of the set.
int64_t sampler::draw(const std::vector<float> &scores) {
  std::vector<int64_t> order(scores.size());
  std::iota(order.begin(), order.end(), int64_t{0});
  const auto before = [&](int64_t a, int64_t b) {
    const float x = scores[static_cast<size_t>(a)], y = scores[static_cast<size_t>(b)];
    return x != y ? x > y : a < b;
  };
  size_t kept = order.size();
  if (options_.top_k > 0) kept = std::min(kept, static_cast<size_t>(options_.top_k));
  std::partial_sort(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(kept), order.end(),
                    before);
  std::vector<double> mass(kept);
  const double top = scores[static_cast<size_t>(order[0])];
  double total = 0;
  for (size_t i = 0; i < kept; ++i)
    total += mass[i] =
        std::exp((scores[static_cast<size_t>(order[i])] - top) / options_.temperature);
  if (options_.top_p < 1) {
    double sum = 0;
    size_t nucleus = 0;
    while (nucleus < kept && sum < options_.top_p * total) sum += mass[nucleus++];
    kept = std::max<size_t>(1, nucleus);
    total = sum;
  }
  double left = uniform(random_) * total;
  for (size_t i = 0; i < kept; ++i) {
    left -= mass[i];
    if (left < 0) return order[i];
  }
  return order[kept - 1];
}

sampler::choice sampler::next(const at::Tensor &logits, const std::vector<int64_t> &never) {
  const float *values = logits.const_data_ptr<float>();
  const int64_t n = drawable(logits, options_.n_sampled);
  const bool plain = options_.temperature == 0 && options_.repetition_penalty == 1 &&
                     options_.presence_penalty == 0 && never.empty();
  choice out;
  if (plain) {
    out.id = std::max_element(values, values + n) - values;
  } else {
    std::vector<float> scores(values, values + n);
    apply_penalties(scores);
    for (const int64_t id : never)
      if (id >= 0 && id < n)
        scores[static_cast<size_t>(id)] = -std::numeric_limits<float>::infinity();
    out.id = options_.temperature > 0
                 ? draw(scores)
                 : std::max_element(scores.begin(), scores.end()) - scores.begin();
    seen_[out.id] = true;
  }
  out.log_sum = model::kernels::log_sum_exp(values, logits.numel(), nullptr);
  out.logprob = values[out.id] - out.log_sum;
  return out;
}

float sampler::margin(const at::Tensor &logits, int64_t n_sampled) {
  const float *values = logits.const_data_ptr<float>();
  const int64_t n = drawable(logits, n_sampled);
  const int64_t top = std::max_element(values, values + n) - values;
  float second = -std::numeric_limits<float>::infinity();
  for (int64_t i = 0; i < n; ++i)
    if (i != top) second = std::max(second, values[i]);
  return values[top] - second;
}

}  // namespace assay::engine
