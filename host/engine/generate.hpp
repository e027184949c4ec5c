// Token by token generation with a KV cache: greedy or sampled, for one or several prompts.
// Not text: stop strings work through a decode callback.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "core/progress.hpp"
#include "model/decoder.hpp"

namespace assay::engine {

struct generate_options {
  int64_t max_tokens = 64;
  double temperature = 0;         // 0 = greedy
  int64_t top_k = 0;              // 0 = off
  double top_p = 1;               // 1 = off
  double repetition_penalty = 1;  // over prompt and answer, as in transformers; 1 = off
  double presence_penalty = 0;    // subtracted once from every token that the answer has; 0 = off
  uint64_t seed = 0;  // prompt i of a batch draws from labelled_seed(seed, "generate", i)
  bool ignore_eos = false;
  std::vector<int64_t> eos_ids;  // empty = those of the model's config
  int64_t n_sampled =
      0;  // rows of the vocabulary that may be drawn (the tokenizer's size); 0 = all
  std::vector<std::string> stop;                                       // strings; need `decode`
  std::function<std::string(const std::vector<int64_t> &ids)> decode;  // text of the answer so far
  bool logprobs = false;  // keep the log-probability of every token that was taken
  progress_fn progress;
  std::function<void(int64_t prompt, int64_t id)> on_token;  // streaming
};

struct generation {
  std::vector<int64_t> ids;     // the answer; without the eos token that ended it
  std::string finish;           // "stop" (eos or stop string) | "length"
  std::string text;             // cut before the stop string; only with `decode`
  std::vector<float> logprobs;  // of ids, under the unmodified model distribution
};

generation generate(const model::decoder &decoder, const std::vector<int64_t> &prompt,
                    const generate_options &options = {});
// Prompts run as one batch; each gives what it would give alone.
std::vector<generation> generate_batch(const model::decoder &decoder,
                                       const std::vector<std::vector<int64_t>> &prompts,
                                       const generate_options &options = {});

}  // namespace assay::engine
