// Generates answers to a fixed list of prompts by continuous batching: each forward pass takes one token of every running
// answer, and as many prompt tokens as the budget (most tokens of a pass) allows. A finished answer makes room for
// the next prompt. step_loop.cpp runs the passes.
#include "engine/generate.hpp"

#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <deque>
#include <numeric>

#include "core/cancel.hpp"
#include "core/error.hpp"
#include "engine/perplexity.hpp"
#include "engine/step_loop.hpp"

namespace assay::engine {
namespace {

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
  if (!options.seeds.empty() && options.seeds.size() != prompts.size())
    misuse("'seeds' needs one seed per prompt");
}

class batch {
 public:
  batch(const model::decoder &decoder, const std::vector<std::vector<int64_t>> &prompts,
        const generate_options &options)
      : decoder_(decoder),
        prompts_(prompts),
        options_(options),
        eos_(options.eos_ids.empty() ? decoder.config().eos_ids : options.eos_ids),
        loop_(decoder,
              {std::max<int64_t>(options.max_live, 1), options.batch_tokens, pool_tokens(), true}),
        jobs_(prompts.size()),
        waiting_(prompts.size()),
        out_(prompts.size()) {
    std::iota(waiting_.begin(), waiting_.end(), size_t{0});
    std::stable_sort(waiting_.begin(), waiting_.end(),
                     [&](size_t a, size_t b) { return prompts[a] < prompts[b]; });
  }

  std::vector<generation> run() {
    while (admit(), !loop_.empty()) {
      throw_if_cancelled();
      loop_.step();
      ++steps_;
      collect();
      show_progress();
    }
    return std::move(out_);
  }

  void report(generate_usage &usage) const {
    for (const auto &prompt : prompts_) usage.prompt_tokens += std::ssize(prompt);
    usage.computed = loop_.runner().n_computed();
    usage.answer_tokens = answer_tokens_;
    usage.steps = steps_;
    usage.halvings = loop_.runner().n_halvings();
    usage.seconds = seconds();
  }

 private:
  // Returns the most tokens that the answer to this prompt can have.
  int64_t room_for(const std::vector<int64_t> &prompt) const {
    return std::min(options_.max_tokens, decoder_.config().max_positions - std::ssize(prompt));
  }

  // Returns how many tokens the pool holds: those of all prompts and answers together, but at most the
  // number that fits into pool_bytes, or twice the longest sequence if that is larger.
  int64_t pool_tokens() const {
    int64_t longest = 1, all = 1;
    for (const auto &prompt : prompts_) {
      const int64_t n = std::ssize(prompt) + std::max<int64_t>(room_for(prompt), 0);
      longest = std::max(longest, n);
      all += n;
    }
    return std::min(all,
                    std::max(2 * longest, options_.pool_bytes / cache_bytes_per_token(decoder_)));
  }

  double seconds() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - started_).count();
  }

  // Starts waiting prompts while max_live and the pool have room. A prompt whose answer can have no
  // token ends at once.
  void admit() {
    while (!waiting_.empty()) {
      const size_t index = waiting_.front();
      const int64_t room = room_for(prompts_[index]);
      if (room <= 0) {
        out_[index].finish = options_.max_tokens > 0 ? "too_long" : "length";
        ++n_done_;
      } else {
        loop_job &job = jobs_[index];
        job.prompt = &prompts_[index];
        job.options = &options_;
        job.eos = &eos_;
        job.index = index;
        job.room = room;
        if (!loop_.admit(job)) return;
      }
      waiting_.pop_front();
    }
  }

  void collect() {
    for (loop_job *job : loop_.take_finished()) {
      generation &answer = out_[job->index] = std::move(job->results[0]);
      answer_tokens_ += std::ssize(answer.ids);
      ++n_done_;
    }
  }

  void show_progress() {
    if (!options_.progress) return;
    int64_t tokens = answer_tokens_;
    double share = static_cast<double>(n_done_);
    loop_.for_each_answer([&](int64_t n) {
      tokens += n;
      share += static_cast<double>(n) / static_cast<double>(options_.max_tokens);
    });
    const auto resolution = static_cast<double>(options_.max_tokens);
    options_.progress(static_cast<uint64_t>(share * resolution),
                      static_cast<uint64_t>(std::ssize(prompts_) * options_.max_tokens),
                      "answering, " +
                          std::to_string(std::llround(static_cast<double>(tokens) / seconds())) +
                          " tokens/s");
  }

  const model::decoder &decoder_;
  const std::vector<std::vector<int64_t>> &prompts_;
  const generate_options &options_;
  std::vector<int64_t> eos_;
  step_loop loop_;
  std::vector<loop_job> jobs_;  // one for each prompt
  std::deque<size_t> waiting_;  // prompts in lexicographic order of their tokens
  std::vector<generation> out_;
  int64_t n_done_ = 0, answer_tokens_ = 0, steps_ = 0;
  std::chrono::steady_clock::time_point started_ = std::chrono::steady_clock::now();
};

}  // namespace

std::vector<generation> generate_batch(const model::decoder &decoder,
                                       const std::vector<std::vector<int64_t>> &prompts,
                                       const generate_options &options, generate_usage *usage) {
  const at::NoGradGuard no_grad;
  check_options(decoder, prompts, options);
  if (prompts.empty()) return {};
  batch work(decoder, prompts, options);
  std::vector<generation> out = work.run();
  if (usage != nullptr) work.report(*usage);
  return out;
}

generation generate(const model::decoder &decoder, const std::vector<int64_t> &prompt,
                    const generate_options &options) {
  return generate_batch(decoder, {prompt}, options)[0];
}

}  // namespace assay::engine
