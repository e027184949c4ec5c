// Measures how far a model's next-token distributions are from those of a reference model, token by
// token: KL(reference || own) in nats, agreement of the likeliest tokens, change of the right
// token's probability. Metrics reduce the arrays to numbers.
#pragma once

#include <string>
#include <vector>

#include "core/progress.hpp"
#include "model/decoder.hpp"

namespace assay::engine {

// Stores final-normed hidden states of the reference model instead of logits: hidden instead of
// vocab numbers for each token. They are multiplied by the reference's own head again, which gives
// exactly its logits.
struct distance_options {
  int64_t window = 512;  // tokens; the tail that does not fill a window is dropped
  int64_t limit = 0;     // windows at most; 0 = all
  int64_t context = 1;   // tokens at the start of a window that are read but not scored
  std::string states;    // folder of kept states; empty = the reference runs again
  progress_fn progress;
};

// The values of one window; every vector has one for each scored position, [window - context].
struct window_distance {
  std::vector<float> kld;            // nats, 0 or more
  std::vector<float> reference_nll;  // nats, of the right token
  std::vector<float> own_nll;        // nats
  std::vector<float> delta_p;        // own less reference probability of the right token
  std::vector<float> reference_top;  // the reference's largest probability: its confidence
  std::vector<float> same_top;       // 1 where both have the same likeliest token
  std::vector<float> top5_shared;    // share of the reference's five likeliest among the own five
};

// Writes one file of states for each window into `folder`, which must exist. Returns the
// number of windows.
int64_t keep_states(const model::decoder &reference, const std::vector<int64_t> &ids,
                    const std::string &folder, const distance_options &options = {});

// Throws error(usage) for models of different vocabularies and for ids that do not fill one window,
// error(failed) for stored states of another shape.
std::vector<window_distance> distance(const model::decoder &reference, const model::decoder &own,
                                      const std::vector<int64_t> &ids,
                                      const distance_options &options = {});

}  // namespace assay::engine
