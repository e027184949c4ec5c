// Computes perplexity as the GPTQ papers measure it: the text is cut into non-overlapping windows,
// and in each window every token but the first is predicted from those before it. Metric plugins
// receive these numbers. Only some rows of logits are in memory at a time.
#pragma once

#include <cstdint>
#include <vector>

#include "core/progress.hpp"
#include "model/decoder.hpp"

namespace assay::engine {

struct perplexity_options {
  int64_t window = 2048;   // tokens; a rest that does not fill a window is dropped
  int64_t limit = 0;       // most windows; 0 = all
  bool token_nll = false;  // keep the negative log-likelihood of every target
  progress_fn progress;
};

struct perplexity_result {
  double ppl = 0;                // exp(mean of `windows`)
  int64_t tokens = 0;            // scored: (number of windows) * (window - 1)
  std::vector<double> windows;   // for each window, its mean negative log-likelihood, nats
  std::vector<float> token_nll;  // [tokens] if asked for
};

// Throws error(usage) if ids do not fill one window, if the window has fewer than 2 tokens or more
// than the model has positions, or if an id is outside the vocabulary.
perplexity_result perplexity(const model::decoder &decoder, const std::vector<int64_t> &ids,
                             const perplexity_options &options = {});

// Returns the negative log-likelihood of each target, fp32 [n] on the CPU. hidden: hidden states
// after the final norm, [n, hidden]; targets: [n] int64. greedy, if not null, becomes [n] bool:
// whether each target is the likeliest token.
at::Tensor target_nll(const model::decoder &decoder, const at::Tensor &hidden,
                      const at::Tensor &targets, at::Tensor *greedy = nullptr);

// Throws error(usage) for an id that the model's vocabulary does not have.
void check_ids(const model::decoder &decoder, const std::vector<int64_t> &ids);

}  // namespace assay::engine
