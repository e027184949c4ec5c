// The token loop: prompts are prefilled one by one into their slots, then all live sequences step
// together.
#include "engine/generate.hpp"

#include <ATen/core/grad_mode.h>

#include <algorithm>

#include "core/cancel.hpp"
#include "core/error.hpp"
#include "core/hash.hpp"
#include "engine/perplexity.hpp"
#include "engine/sampler.hpp"

namespace assay::engine {
namespace {

sampler_options sampling(const generate_options &options) {
  return {options.temperature,      options.top_k,    options.top_p, options.repetition_penalty,
          options.presence_penalty, options.n_sampled};
}

// One sequence on its way.
struct sequence {
  sequence(const generate_options &options, size_t index)
      : choose(sampling(options),
               labelled_seed(options.seed, "generate", std::to_string(index), "")) {}
  sampler choose;
  generation out;
  int64_t slot = 0, last = 0;
  bool done = false, stopped_by_text = false;
};

void check_options(const model::decoder &decoder, const std::vector<std::vector<int64_t>> &prompts,
                   const generate_options &options) {
  const auto misuse = [](const std::string &what) { throw error(error_kind::usage, what); };
  for (const auto &prompt : prompts) {
    if (prompt.empty()) misuse("a prompt needs at least one token");
    check_ids(decoder, prompt);
  }
  if (options.max_tokens < 0) misuse("max_tokens is negative");
  if (!(options.temperature >= 0)) misuse("temperature is negative");
  if (!(options.top_p > 0) || options.top_p > 1) misuse("top_p must lie in (0, 1]");
  if (options.top_k < 0) misuse("top_k is negative");
  if (!(options.repetition_penalty > 0)) misuse("repetition_penalty must be positive");
  if (!options.stop.empty() && !options.decode) misuse("stop strings need a decoder of token ids");
}

class batch {
 public:
  batch(const model::decoder &decoder, const std::vector<std::vector<int64_t>> &prompts,
        const generate_options &options)
      : decoder_(decoder),
        options_(options),
        eos_(options.eos_ids.empty() ? decoder.config().eos_ids : options.eos_ids),
        cache_(decoder.config(), static_cast<int64_t>(prompts.size()), capacity(prompts, options),
               decoder.dtype(), decoder.device()) {
    for (size_t i = 0; i < prompts.size(); ++i) {
      sequences_.emplace_back(options, i);
      sequences_[i].slot = static_cast<int64_t>(i);
      sequences_[i].choose.saw_prompt(prompts[i]);
    }
  }

  std::vector<generation> run(const std::vector<std::vector<int64_t>> &prompts) {
    for (size_t i = 0; i < prompts.size() && options_.max_tokens > 0; ++i) {
      throw_if_cancelled();
      const at::Tensor ids = at::tensor(at::ArrayRef<int64_t>(prompts[i]), at::kLong).unsqueeze(0);
      const at::Tensor hidden = decoder_.hidden(ids, &cache_, {sequences_[i].slot});
      advance(sequences_[i], decoder_.logits(hidden.select(1, ids.size(1) - 1)).select(0, 0).cpu());
    }
    while (step()) {
    }
    std::vector<generation> out;
    for (sequence &s : sequences_) {
      if (s.out.finish.empty()) s.out.finish = "length";
      if (options_.decode && !s.stopped_by_text) s.out.text = options_.decode(s.out.ids);
      out.push_back(std::move(s.out));
    }
    return out;
  }

 private:
  static int64_t capacity(const std::vector<std::vector<int64_t>> &prompts,
                          const generate_options &options) {
    size_t longest = 0;
    for (const auto &prompt : prompts) longest = std::max(longest, prompt.size());
    return static_cast<int64_t>(longest) + std::max<int64_t>(options.max_tokens, 1);
  }

  // One token for every live sequence. False when none is left.
  bool step() {
    std::vector<int64_t> slots, inputs;
    for (const sequence &s : sequences_)
      if (!s.done && !s.out.ids.empty()) slots.push_back(s.slot), inputs.push_back(s.last);
    if (slots.empty()) return false;
    throw_if_cancelled();
    report_progress(options_.progress, ++steps_, static_cast<uint64_t>(options_.max_tokens),
                    "token");
    const at::Tensor ids = at::tensor(at::ArrayRef<int64_t>(inputs), at::kLong).unsqueeze(1);
    const at::Tensor logits =
        decoder_.logits(decoder_.hidden(ids, &cache_, slots).select(1, 0)).cpu();
    for (size_t r = 0; r < slots.size(); ++r)
      advance(sequences_[static_cast<size_t>(slots[r])], logits.select(0, static_cast<int64_t>(r)));
    return true;
  }

  void advance(sequence &s, const at::Tensor &logits) {
    const sampler::choice choice = s.choose.next(logits);
    const bool is_eos = std::find(eos_.begin(), eos_.end(), choice.id) != eos_.end();
    if (is_eos && !options_.ignore_eos) return finish(s, "stop");
    s.last = choice.id;
    s.out.ids.push_back(choice.id);
    if (options_.logprobs) s.out.logprobs.push_back(choice.logprob);
    if (options_.on_token) options_.on_token(s.slot, choice.id);
    if (!options_.stop.empty() && stop_string(s)) return finish(s, "stop");
    if (static_cast<int64_t>(s.out.ids.size()) >= options_.max_tokens) finish(s, "length");
  }

  void finish(sequence &s, const char *why) {
    s.done = true;
    s.out.finish = why;
  }

  // Cuts the text before the first stop string in it.
  bool stop_string(sequence &s) const {
    const std::string text = options_.decode(s.out.ids);
    size_t first = std::string::npos;
    for (const std::string &stop : options_.stop)
      if (!stop.empty()) first = std::min(first, text.find(stop));
    if (first == std::string::npos) return false;
    s.out.text = text.substr(0, first);
    s.stopped_by_text = true;
    return true;
  }

  const model::decoder &decoder_;
  const generate_options &options_;
  std::vector<int64_t> eos_;
  model::kv_cache cache_;
  std::vector<sequence> sequences_;
  uint64_t steps_ = 0;
};

}  // namespace

std::vector<generation> generate_batch(const model::decoder &decoder,
                                       const std::vector<std::vector<int64_t>> &prompts,
                                       const generate_options &options) {
  const at::NoGradGuard no_grad;
  check_options(decoder, prompts, options);
  if (prompts.empty()) return {};
  return batch(decoder, prompts, options).run(prompts);
}

generation generate(const model::decoder &decoder, const std::vector<int64_t> &prompt,
                    const generate_options &options) {
  return generate_batch(decoder, {prompt}, options)[0];
}

}  // namespace assay::engine
