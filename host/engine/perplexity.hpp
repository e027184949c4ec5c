// Computes perplexity as the GPTQ papers measure it: non-overlapping windows, mean
// cross-entropy of the shifted targets. Metric plugins receive these numbers. Logits are in
// memory one tile at a time.
#pragma once

#include <cstdint>
#include <vector>

#include "core/progress.hpp"
#include "model/decoder.hpp"

namespace assay::engine {

struct perplexity_options {
  int64_t window = 2048;   // tokens; the tail that does not fill a window is dropped
  int64_t limit = 0;       // windows at most; 0 = all
  bool token_nll = false;  // keep the negative log-likelihood of every target
  progress_fn progress;
};

struct perplexity_result {
  double ppl = 0;                // exp(mean over windows of the window's mean cross-entropy)
  int64_t tokens = 0;            // scored targets: windows * (window - 1)
  std::vector<double> windows;   // mean cross-entropy per window, nats
  std::vector<float> token_nll;  // [tokens] if asked for
};

// Throws error(usage) if ids do not fill one window, or if the window is longer than
// the model's positions.
perplexity_result perplexity(const model::decoder &decoder, const std::vector<int64_t> &ids,
                             const perplexity_options &options = {});

// The negative log-likelihood of each target, fp32 [n], from final-normed hidden states [n,
// hidden] and targets [n] int64; the head runs in tiles. greedy (optional, [n] bool): the target
// is the arg-max.
at::Tensor target_nll(const model::decoder &decoder, const at::Tensor &hidden,
                      const at::Tensor &targets, at::Tensor *greedy = nullptr);

// Throws error(usage) for an id that the model's vocabulary does not have.
void check_ids(const model::decoder &decoder, const std::vector<int64_t> &ids);

}  // namespace assay::engine
