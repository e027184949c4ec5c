// Generates token by token with a KV cache, greedy or sampled, for one or many prompts. Stop
// strings work through a callback that decodes.
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
  // One seed for each prompt instead: a prompt then draws what it would draw alone with that seed,
  // in any batch.
  std::vector<uint64_t> seeds;
  bool ignore_eos = false;
  std::vector<int64_t> eos_ids;  // empty = those of the model's config
  // Rows of the vocabulary that may be drawn (the tokenizer's size); 0 = all.
  int64_t n_sampled = 0;
  std::vector<std::string> stop;                                       // strings; need `decode`
  std::function<std::string(const std::vector<int64_t> &ids)> decode;  // text of the answer so far
  bool logprobs = false;  // keep the log-probability of every token that was taken, and the margins
  progress_fn progress;
  std::function<void(int64_t prompt, int64_t id)> on_token;  // streaming
  int64_t max_live = 32;                                     // sequences at a time
  int64_t batch_tokens = 0;        // tokens of one forward at most; 0 = by device
  int64_t pool_bytes = 2LL << 30;  // of keys and values; always enough for the longest sequence
};

struct generation {
  std::vector<int64_t> ids;  // the answer; without the eos token that ended it
  // "stop" (eos or stop string) | "length" (max_tokens, or the model's positions are used up) |
  // "too_long" (the prompt leaves no position for an answer; nothing was generated)
  std::string finish;
  std::string text;             // cut before the stop string; only with `decode`
  std::vector<float> logprobs;  // of ids, under the unmodified model distribution
  // Nats from the likeliest token to the second, one for each decision: for ids, and for the eos
  // token that ended the answer.
  std::vector<float> margins;
};

generation generate(const model::decoder &decoder, const std::vector<int64_t> &prompt,
                    const generate_options &options = {});

struct generate_usage {
  int64_t prompt_tokens = 0;  // of all prompts
  int64_t computed = 0;       // tokens that went through the model: shared prefixes once
  int64_t answer_tokens = 0;
  int64_t steps = 0;     // forwards
  int64_t halvings = 0;  // of the batch, memory having run out
  double seconds = 0;
};

// Each prompt gives what it would give alone. Up to max_live run at a time, and a finished one
// makes room for the next; a prefix that a prompt shares with the one before it (in token order)
// is computed once.
std::vector<generation> generate_batch(const model::decoder &decoder,
                                       const std::vector<std::vector<int64_t>> &prompts,
                                       const generate_options &options = {},
                                       generate_usage *usage = nullptr);

}  // namespace assay::engine
