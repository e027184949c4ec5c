// Chooses the next token of an answer and finds its end: an end-of-text id, a stop string (which
// may span several tokens), or the length limit.
#include "engine/answer.hpp"

#include <algorithm>

#include "core/hash.hpp"

namespace assay::engine {
namespace {

// After each token, the text of the last `longest_stop_ + k_spare_tokens` tokens is searched for stop
// strings. A stop string of n bytes spans at most n tokens that give text. The spare tokens are needed
// because a token may give no text or only a part of a character.
constexpr size_t k_spare_tokens = 16;

const std::vector<int64_t> k_nothing;

sampler_options sampling(const generate_options &options) {
  return {options.temperature,      options.top_k,    options.top_p, options.repetition_penalty,
          options.presence_penalty, options.n_sampled};
}

uint64_t seed_of(const generate_options &options, size_t index) {
  const bool own = !options.seeds.empty();
  return labelled_seed(own ? options.seeds.at(index) : options.seed, "generate",
                       own ? "0" : std::to_string(index), "");
}

size_t first_stop(const std::string &text, const std::vector<std::string> &stops) {
  size_t first = std::string::npos;
  for (const std::string &stop : stops)
    if (!stop.empty()) first = std::min(first, text.find(stop));
  return first;
}

}  // namespace

answer::answer(const generate_options &options, const std::vector<int64_t> &eos, size_t index,
               const std::vector<int64_t> &prompt, int64_t max_tokens)
    : options_(options),
      eos_(eos),
      index_(static_cast<int64_t>(index)),
      max_tokens_(max_tokens),
      choose_(sampling(options), seed_of(options, index)) {
  for (const std::string &stop : options.stop) longest_stop_ = std::max(longest_stop_, stop.size());
  choose_.saw_prompt(prompt);
  if (max_tokens_ <= 0) out_.finish = "length";
}

void answer::advance(const at::Tensor &logits) {
  const bool too_early = !options_.ignore_eos && tokens() < options_.min_tokens;
  const sampler::choice choice = choose_.next(logits, too_early ? eos_ : k_nothing);
  if (options_.logprobs) out_.margins.push_back(sampler::margin(logits, options_.n_sampled));
  const bool is_eos = std::find(eos_.begin(), eos_.end(), choice.id) != eos_.end();
  if (is_eos && !options_.ignore_eos) {
    out_.finish = "stop";
    tell(choice, logits);
    return;
  }
  out_.ids.push_back(choice.id);
  if (options_.logprobs) out_.logprobs.push_back(choice.logprob);
  if (options_.on_token) options_.on_token(index_, choice.id);
  look_for_stops();
  if (!done() && tokens() >= max_tokens_) out_.finish = "length";
  tell(choice, logits);
}

void answer::tell(const sampler::choice &choice, const at::Tensor &logits) {
  if (!options_.on_decision) return;
  const auto *row = logits.const_data_ptr<float>();
  const decision made{read_token(row, logits.numel(), choice.id, choice.log_sum,
                                 options_.top_logprobs, options_.n_sampled),
                      out_.finish};
  if (options_.on_decision(static_cast<size_t>(index_), made)) out_.finish = "stop";
}

// Ends the answer if its text has a stop string. First, only the last tokens are decoded; if they hold a
// stop string, all tokens are decoded to confirm it. If all tokens were decoded each time, the time would
// be quadratic in the length of the answer.
void answer::look_for_stops() {
  if (options_.stop.empty()) return;
  const size_t tail = std::min(out_.ids.size(), longest_stop_ + k_spare_tokens);
  const std::vector<int64_t> end(out_.ids.end() - static_cast<std::ptrdiff_t>(tail),
                                 out_.ids.end());
  if (first_stop(options_.decode(end), options_.stop) == std::string::npos) return;
  if (tail == out_.ids.size() ||
      first_stop(options_.decode(out_.ids), options_.stop) != std::string::npos)
    out_.finish = "stop";
}

generation answer::take() {
  if (options_.decode) {
    out_.text = options_.decode(out_.ids);
    out_.text.resize(std::min(out_.text.size(), first_stop(out_.text, options_.stop)));
  }
  return std::move(out_);
}

}  // namespace assay::engine
