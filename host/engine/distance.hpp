// Measures, token by token, how far a model's next-token distributions are from those of a
// reference model: the KL divergence KL(reference || own) in nats, agreement of the likeliest
// tokens, and the change of the right token's probability. "own" is the model under test; the right
// token is the next token of the text. Metric plugins compute their numbers from these values.
#pragma once

#include <string>
#include <vector>

#include "core/progress.hpp"
#include "model/decoder.hpp"

namespace assay::engine {

struct distance_options {
  int64_t window = 512;  // tokens; a rest that does not fill a window is dropped
  int64_t limit = 0;     // most windows; 0 = all
  int64_t context = 1;   // tokens at the start of a window that are read but not scored
  std::string states;    // folder that keep_states wrote; "" = run the reference again
  progress_fn progress;
};

// The values of one window. Every vector has one value for each scored token: [window - context].
struct window_distance {
  std::vector<float> kld;            // nats, 0 or more
  std::vector<float> reference_nll;  // -log p of the right token in the reference, nats
  std::vector<float> own_nll;        // the same in the model under test
  std::vector<float> delta_p;        // probability of the right token, own minus reference
  std::vector<float> reference_top;  // the reference's largest probability: its confidence
  std::vector<float> same_top;       // 1 if both models have the same likeliest token, else 0
  std::vector<float> top5_shared;    // share of the reference's top 5 that the own top 5 has too
};

// Runs the reference and writes its hidden states after the final norm, one file for each window,
// into `folder`, which must exist. distance() multiplies them by the reference's head and gets
// exactly its logits. A stored state takes hidden_size numbers for each token, stored logits would
// take vocab_size. Returns the number of windows.
int64_t keep_states(const model::decoder &reference, const std::vector<int64_t> &ids,
                    const std::string &folder, const distance_options &options = {});

// Returns one window_distance for each window of ids. Throws error(usage) for models with different
// vocabulary sizes, for a wrong window or context, and for ids that do not fill one window;
// error(failed) for kept states of another shape or dtype.
std::vector<window_distance> distance(const model::decoder &reference, const model::decoder &own,
                                      const std::vector<int64_t> &ids,
                                      const distance_options &options = {});

}  // namespace assay::engine
