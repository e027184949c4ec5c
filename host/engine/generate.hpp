// Generates answers token by token with a KV cache, greedy or sampled, for one or many prompts.
// This room handles token ids only: stop strings need a callback that decodes ids to text.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "core/progress.hpp"
#include "engine/token_reading.hpp"
#include "model/decoder.hpp"

namespace assay::engine {

// One choice of a token, as generate_options::on_decision gets it.
struct decision {
  token_reading token;  // the token chosen, and the likeliest ones at its place
  std::string finish;  // how the answer ends with this token (generation::finish); "" if it goes on
};

struct generate_options {
  int64_t max_tokens = 64;        // of an answer
  double temperature = 0;         // 0 = greedy: always the likeliest token
  int64_t top_k = 0;              // 0 = off
  double top_p = 1;               // 1 = off
  double repetition_penalty = 1;  // over prompt and answer, as in transformers; 1 = off
  double presence_penalty = 0;  // subtracted once from the logit of each id in the answer; 0 = off
  uint64_t seed = 0;  // prompt i of a batch has the seed labelled_seed(seed, "generate", i)
  // One seed for each prompt, used instead of `seed`. A prompt then draws the same tokens in every
  // batch: those that it draws when it runs alone and `seed` is its seed.
  std::vector<uint64_t> seeds;
  bool ignore_eos = false;
  std::vector<int64_t> eos_ids;  // ids that end an answer; empty = those of the model's config
  // Only ids below this number are chosen; 0 = all. Give the tokenizer's size if the head has more
  // rows than the tokenizer has tokens.
  int64_t n_sampled = 0;
  std::vector<std::string> stop;  // texts that end an answer; need `decode`
  std::function<std::string(const std::vector<int64_t> &ids)> decode;  // gives the text of ids
  bool logprobs = false;  // fill in generation::logprobs and generation::margins
  progress_fn progress;
  std::function<void(int64_t prompt, int64_t id)> on_token;  // called when a token is chosen
  // Called for each choice, also for that of the eos token that ends the answer. If it returns true, the answer ends here, with "stop".
  // index: the prompt's place in the batch, or the answer's number in a service_request.
  std::function<bool(size_t index, const decision &made)> on_decision;
  int64_t top_logprobs = 0;  // how many of the likeliest tokens a decision lists
  int64_t min_tokens = 0;    // before an answer has so many tokens, no eos token is chosen
  int64_t max_live = 32;     // most sequences at a time
  int64_t batch_tokens = 0;  // most tokens of one forward pass; 0 = default_batch_tokens
  // Most bytes for keys and values. If two sequences of the longest length need more, more are taken.
  int64_t pool_bytes = 2LL << 30;
};

struct generation {
  std::vector<int64_t> ids;  // the answer; without the eos token that ended it
  // "stop": an eos id or a stop string. "length": max_tokens was reached, or the model's positions
  // are used up. "too_long": the prompt leaves no position for an answer; nothing was generated.
  std::string finish;
  std::string text;             // cut before the stop string; only with `decode`
  std::vector<float> logprobs;  // of each id, nats, before penalties and temperature
  // For each decision, the log-probability of the likeliest token minus that of the second, in nats.
  // There is one for each id, and one for the eos token that ended the answer.
  std::vector<float> margins;
};

// Generates the answer to one prompt: generate_batch with this prompt alone.
generation generate(const model::decoder &decoder, const std::vector<int64_t> &prompt,
                    const generate_options &options = {});

struct generate_usage {
  int64_t prompt_tokens = 0;  // of all prompts
  int64_t computed = 0;       // tokens that went through the model; a shared prefix counts once
  int64_t answer_tokens = 0;
  int64_t steps = 0;     // each is one forward pass, or several if memory ran out
  int64_t halvings = 0;  // how often batch_tokens was halved because memory ran out
  double seconds = 0;
};

// Returns one answer for each prompt, in the order of `prompts`. A greedy answer is the same as if its
// prompt ran alone; so is a sampled one, if `seeds` is set. Up to max_live sequences run at a time,
// and a finished one makes room for the next. The prompts run in the lexicographic order of their
// tokens; if a prompt shares its first 16 or more tokens with the prompt before it, these are computed
// once. Throws error(usage) for wrong options, an empty prompt or an id outside the vocabulary.
std::vector<generation> generate_batch(const model::decoder &decoder,
                                       const std::vector<std::vector<int64_t>> &prompts,
                                       const generate_options &options = {},
                                       generate_usage *usage = nullptr);

}  // namespace assay::engine
