// Generates answers by continuous batching. Each forward pass takes one token of every running
// answer, and as many prompt tokens as the budget (most tokens of a pass) allows. A finished answer
// makes room for the next prompt.
#include "engine/generate.hpp"

#include <ATen/Parallel.h>
#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <deque>
#include <list>
#include <numeric>

#include "core/cancel.hpp"
#include "core/error.hpp"
#include "engine/answer.hpp"
#include "engine/head.hpp"
#include "engine/key_pool.hpp"
#include "engine/packed_run.hpp"
#include "engine/perplexity.hpp"

namespace assay::engine {
namespace {

using model::attention_segment;
using model::key_place;

// In tokens. Sharing a shorter prefix costs more (one more range of keys) than it saves.
constexpr int64_t k_shared_prefix = 16;

// A part of a sequence's keys, and the region that reserves its memory in the pool.
struct held_place {
  key_place place;
  key_pool::region region;
};

// One sequence that is running.
struct sequence {
  sequence(answer a, size_t prompt_index, const std::vector<int64_t> &prompt_ids)
      : growing(std::move(a)), index(prompt_index), prompt(prompt_ids) {}
  answer growing;
  size_t index;
  const std::vector<int64_t> &prompt;
  std::vector<held_place> keys;  // shared prefix, the rest of the prompt, the answer
  int64_t shared = 0;            // tokens of the prompt whose keys come from another prompt
  int64_t prefilled = 0;         // tokens of the prompt whose keys exist, shared ones included
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
        runner_(decoder,
                options.batch_tokens > 0 ? options.batch_tokens : default_batch_tokens(decoder)),
        pool_(pool_tokens()),
        cache_(decoder.make_cache(1, pool_.capacity())),
        waiting_(prompts.size()),
        out_(prompts.size()) {
    std::iota(waiting_.begin(), waiting_.end(), size_t{0});
    std::stable_sort(waiting_.begin(), waiting_.end(),
                     [&](size_t a, size_t b) { return prompts[a] < prompts[b]; });
  }

  std::vector<generation> run() {
    while (admit(), !live_.empty()) {
      throw_if_cancelled();
      step();
      collect();
      show_progress();
    }
    return std::move(out_);
  }

  void report(generate_usage &usage) const {
    for (const auto &prompt : prompts_) usage.prompt_tokens += std::ssize(prompt);
    usage.computed = runner_.n_computed();
    usage.answer_tokens = answer_tokens_;
    usage.steps = steps_;
    usage.halvings = runner_.n_halvings();
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
    const model::decoder_config &c = decoder_.config();
    const int64_t bytes = 2 * c.n_layers * c.n_kv_heads * c.head_dim *
                          static_cast<int64_t>(at::elementSize(decoder_.dtype()));
    return std::min(all, std::max(2 * longest, options_.pool_bytes / bytes));
  }

  double seconds() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - started_).count();
  }

  // Starts waiting prompts while max_live and the pool have room. A prompt whose answer can have no
  // token ends at once.
  void admit() {
    while (!waiting_.empty() && std::ssize(live_) < std::max<int64_t>(options_.max_live, 1)) {
      const size_t index = waiting_.front();
      const std::vector<int64_t> &prompt = prompts_[index];
      if (room_for(prompt) <= 0) {
        out_[index].finish = options_.max_tokens > 0 ? "too_long" : "length";
        waiting_.pop_front();
        ++n_done_;
        continue;
      }
      sequence s(answer(options_, eos_, index, prompt, room_for(prompt)), index, prompt);
      if (!find_room(s)) {
        if (!live_.empty()) return;
        donor_.reset();  // frees its keys, which may take the room that is missing
        donor_keys_.clear();
        if (!find_room(s)) throw error(error_kind::failed, "the KV pool is too small");
      }
      donor_ = index;
      donor_keys_ = s.keys;
      donor_keys_.pop_back();  // the answer is not shared
      live_.push_back(std::move(s));
      waiting_.pop_front();
    }
  }

  // Reserves places for the keys of a sequence. A prefix that the sequence shares with the prompt
  // admitted before keeps its places; the rest gets new ones. Returns false if there is no room.
  bool find_room(sequence &s) {
    s.keys.clear();
    s.shared = 0;
    if (donor_) {
      const std::vector<int64_t> &before = prompts_[*donor_];
      const auto end =
          std::mismatch(s.prompt.begin(), s.prompt.end(), before.begin(), before.end());
      // The last token is computed again: its hidden state predicts the first token of the answer.
      s.shared = std::min(end.first - s.prompt.begin(), std::ssize(s.prompt) - 1);
      if (s.shared < k_shared_prefix) s.shared = 0;
    }
    for (const held_place &held : donor_keys_) {
      if (held.place.position >= s.shared) break;
      s.keys.push_back(held);
      s.keys.back().place.count = std::min(held.place.count, s.shared - held.place.position);
    }
    const int64_t own = std::ssize(s.prompt) - s.shared;
    const key_pool::region prompt = pool_.take(own),
                           rest = prompt ? pool_.take(room_for(s.prompt)) : nullptr;
    if (!rest) return false;
    s.keys.push_back({{0, *prompt, s.shared, own}, prompt});
    s.keys.push_back({{0, *rest, std::ssize(s.prompt), 0}, rest});
    s.prefilled = s.shared;
    return true;
  }

  // Returns the places of the sequence's first `end` keys.
  static std::vector<key_place> places(const sequence &s, int64_t end) {
    std::vector<key_place> out;
    for (const held_place &held : s.keys) {
      key_place place = held.place;
      if (place.position >= end) break;
      place.count = std::min(place.count, end - place.position);
      out.push_back(place);
    }
    return out;
  }

  // Runs one forward pass. It takes the last token of each running answer. Then it takes tokens of
  // admitted prompts that are not complete yet, until the budget is used up.
  void step() {
    std::vector<int64_t> ids, rows;  // rows: those hidden states that predict a token of an answer
    std::vector<attention_segment> segments;
    std::vector<sequence *> next;
    const auto add = [&](sequence &s, int64_t position, int64_t count) {
      segments.push_back({0, 0, count, position, places(s, position + count)});
    };
    for (sequence &s : live_) {
      if (s.growing.tokens() == 0) continue;
      const int64_t position = std::ssize(s.prompt) + s.growing.tokens() - 1;
      ids.push_back(s.growing.last());
      ++s.keys.back().place.count;
      add(s, position, 1);
      rows.push_back(std::ssize(ids) - 1);
      next.push_back(&s);
    }
    for (sequence &s : live_) {
      const int64_t left = std::ssize(s.prompt) - s.prefilled,
                    count = std::min(left, runner_.limit() - std::ssize(ids));
      if (left == 0) continue;
      if (count <= 0) break;
      const auto begin = s.prompt.begin() + s.prefilled;
      ids.insert(ids.end(), begin, begin + count);
      add(s, s.prefilled, count);
      s.prefilled += count;
      if (count < left) continue;
      rows.push_back(std::ssize(ids) - 1);
      next.push_back(&s);
    }
    ++steps_;
    const at::Tensor hidden = runner_.run(ids, segments, cache_);
    choose(hidden.index_select(0, at::tensor(rows, at::kLong).to(hidden.device())), next);
  }

  void choose(const at::Tensor &states, const std::vector<sequence *> &of) {
    const int64_t n = std::ssize(of), tile = head_tile_rows(decoder_);
    for (int64_t begin = 0; begin < n; begin += tile) {
      const int64_t size = std::min(tile, n - begin);
      const at::Tensor logits =
          decoder_.logits(states.narrow(0, begin, size)).to(at::kCPU).contiguous();
      for (int64_t i = 0; i < size; ++i)
        of[static_cast<size_t>(begin + i)]->growing.advance(logits.select(0, i));
    }
  }

  void collect() {
    for (auto s = live_.begin(); s != live_.end();) {
      if (!s->growing.done()) {
        ++s;
        continue;
      }
      answer_tokens_ += s->growing.tokens();
      out_[s->index] = s->growing.take();
      s = live_.erase(s);
      ++n_done_;
    }
  }

  void show_progress() {
    if (!options_.progress) return;
    int64_t tokens = answer_tokens_;
    double share = static_cast<double>(n_done_);
    for (const sequence &s : live_) {
      tokens += s.growing.tokens();
      share += static_cast<double>(s.growing.tokens()) / static_cast<double>(options_.max_tokens);
    }
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
  packed_run runner_;
  key_pool pool_;
  model::kv_cache cache_;
  std::deque<size_t> waiting_;  // prompts in lexicographic order of their tokens
  std::list<sequence> live_;
  std::optional<size_t> donor_;  // the prompt admitted last, whose keys the next one may share
  std::vector<held_place> donor_keys_;
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
