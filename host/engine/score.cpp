// Scores requests by running their token tree in depth-first order, budget_ tokens at a time. The
// keys of the path to the next token stay in the KV cache; all other keys are overwritten.
#include "engine/score.hpp"

#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <chrono>
#include <cmath>

#include "core/cancel.hpp"
#include "core/error.hpp"
#include "engine/head.hpp"
#include "engine/packed_run.hpp"
#include "engine/perplexity.hpp"
#include "engine/token_tree.hpp"

namespace assay::engine {
namespace {

using model::attention_segment;
using model::key_place;

// One token that is scored. `place` is where token_tree::ids has the token before it, which predicts
// it. `logprob` and `greedy` point to where its scores are to be written.
struct wanted_token {
  int64_t place, id;
  float *logprob;
  char *greedy;
};

void check(const model::decoder &decoder, const std::vector<score_request> &requests) {
  for (const score_request &request : requests) {
    if (request.context.empty())
      throw error(error_kind::usage, "scoring needs a context of at least one token")
          .hint("Use the end-of-text token as context of a bare text");
    check_ids(decoder, request.context);
    for (const auto &continuation : request.continuations) check_ids(decoder, continuation);
  }
}

// Knows where the keys of the current path (from the tree's root to the next token) lie in the KV
// cache, in the order of the tokens.
class path {
 public:
  explicit path(model::kv_cache &store) : store_(store) {}

  const std::vector<key_place> &places() const { return places_; }
  int64_t used() const { return used_; }

  void cut(int64_t tokens) {  // keeps only the first `tokens` of the path
    while (!places_.empty() && places_.back().position >= tokens) places_.pop_back();
    if (!places_.empty()) {
      key_place &last = places_.back();
      last.count = std::min(last.count, tokens - last.position);
    }
  }

  void add(int64_t tokens) {  // extends the path by new places at the end of the used part
    const int64_t position = places_.empty() ? 0 : places_.back().position + places_.back().count;
    places_.push_back({0, used_, position, tokens});
    used_ += tokens;
  }

  // Moves the path's keys to the front of the cache, so that all the rest is free.
  void compact() {
    used_ = 0;
    for (key_place &place : places_) {
      if (place.first != used_) store_.move_tokens(place.first, used_, place.count);
      place.first = used_;
      used_ += place.count;
    }
    if (!places_.empty()) places_ = {{0, 0, 0, used_}};
  }

 private:
  model::kv_cache &store_;
  std::vector<key_place> places_;
  int64_t used_ = 0;
};

class scoring {
 public:
  scoring(const model::decoder &decoder, const token_tree &tree, std::vector<wanted_token> wanted,
          const score_options &options)
      : decoder_(decoder),
        tree_(tree),
        wanted_(std::move(wanted)),
        options_(options),
        budget_(options.batch_tokens > 0 ? options.batch_tokens : default_batch_tokens(decoder)),
        runner_(decoder, budget_),
        store_(decoder.make_cache(1, capacity())),
        path_(store_) {
    std::stable_sort(wanted_.begin(), wanted_.end(),
                     [](const auto &a, const auto &b) { return a.place < b.place; });
  }

  void run() {
    for (const tree_node &node : tree_.nodes) {
      path_.cut(node.position);
      for (int64_t at = node.begin; at < node.end;) {
        if (std::ssize(ids_) >= budget_) flush();
        const int64_t count = std::min(node.end - at, budget_ - std::ssize(ids_));
        path_.add(count);
        const auto begin = tree_.ids.begin() + at;
        ids_.insert(ids_.end(), begin, begin + count);
        segments_.push_back({0, 0, count, path_.places().back().position, path_.places()});
        at += count;
      }
    }
    if (!ids_.empty()) flush();
  }

  void report(score_usage &usage) const {
    usage.needed = std::ssize(tree_.ids);
    usage.computed = runner_.n_computed();
    usage.head_rows = head_rows_;
    usage.halvings = runner_.n_halvings();
    usage.seconds = seconds();
  }

 private:
  // Returns the tokens that the cache must hold: the longest path and one batch after it.
  int64_t capacity() const {
    int64_t longest = 0;
    for (const tree_node &node : tree_.nodes)
      longest = std::max(longest, node.position + node.end - node.begin);
    return longest + std::min(budget_, std::ssize(tree_.ids));
  }

  double seconds() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - started_).count();
  }

  // Runs the tokens that were collected, and reads the wanted scores from their hidden states.
  void flush() {
    const int64_t begin = done_, end = done_ + std::ssize(ids_);
    const at::Tensor hidden = runner_.run(ids_, segments_, store_);
    std::vector<head_target> targets;
    const size_t first = next_;
    for (; next_ < wanted_.size() && wanted_[next_].place < end; ++next_)
      targets.push_back({wanted_[next_].place - begin, wanted_[next_].id});
    if (!targets.empty()) {
      const std::vector<head_reading> read = read_targets(decoder_, hidden, targets);
      for (size_t i = 0; i < read.size(); ++i) {
        *wanted_[first + i].logprob = read[i].logprob;
        *wanted_[first + i].greedy = read[i].greedy;
        head_rows_ += i == 0 || targets[i].row != targets[i - 1].row;
      }
    }
    done_ = end;
    ids_.clear();
    segments_.clear();
    path_.compact();
    report_progress(
        options_.progress, static_cast<uint64_t>(done_), static_cast<uint64_t>(tree_.ids.size()),
        "scoring, " +
            std::to_string(std::llround(static_cast<double>(done_) / std::max(seconds(), 1e-9))) +
            " tokens/s");
  }

  const model::decoder &decoder_;
  const token_tree &tree_;
  std::vector<wanted_token> wanted_;
  const score_options &options_;
  int64_t budget_;
  packed_run runner_;
  model::kv_cache store_;
  path path_;
  std::vector<int64_t> ids_;
  std::vector<attention_segment> segments_;
  int64_t done_ = 0, head_rows_ = 0;
  size_t next_ = 0;
  std::chrono::steady_clock::time_point started_ = std::chrono::steady_clock::now();
};

// The scores of one continuation's tokens. wanted_token has pointers to the elements; `greedy` is a
// vector<char>, because elements of vector<bool> have no address.
struct raw_score {
  std::vector<float> logprobs;
  std::vector<char> greedy;
};

score_result result_of(const raw_score &raw) {
  score_result out;
  out.tokens = std::ssize(raw.logprobs);
  out.token_logprobs = raw.logprobs;
  for (const float value : raw.logprobs) out.sum += static_cast<double>(value);
  out.greedy = std::all_of(raw.greedy.begin(), raw.greedy.end(), [](char g) { return g != 0; });
  return out;
}

}  // namespace

// Makes one sequence for each continuation, builds the tree of all sequences, runs it, and turns the
// scores of the tokens into results.
std::vector<std::vector<score_result>> score_many(const model::decoder &decoder,
                                                  const std::vector<score_request> &requests,
                                                  const score_options &options,
                                                  score_usage *usage) {
  const at::NoGradGuard no_grad;
  check(decoder, requests);
  score_usage counted;
  std::vector<std::vector<score_result>> out;
  std::vector<std::vector<int64_t>> sequences;  // context and continuation without its last token
  std::vector<int64_t> kept;
  std::vector<const std::vector<int64_t> *> scored;
  std::vector<score_result *> results;
  out.reserve(requests.size());
  for (const score_request &request : requests) out.emplace_back(request.continuations.size());
  for (size_t r = 0; r < requests.size(); ++r)
    for (size_t c = 0; c < requests[r].continuations.size(); ++c) {
      const std::vector<int64_t> &continuation = requests[r].continuations[c];
      if (continuation.empty()) continue;
      const auto length = std::ssize(requests[r].context) + std::ssize(continuation) - 1;
      if (length > decoder.config().max_positions) {
        out[r][c].too_long = true;
        out[r][c].tokens = std::ssize(continuation);
        continue;
      }
      sequences.push_back(requests[r].context);
      sequences.back().insert(sequences.back().end(), continuation.begin(), continuation.end() - 1);
      kept.push_back(std::ssize(continuation));
      scored.push_back(&continuation);
      results.push_back(&out[r][c]);
      counted.alone += length;
    }
  const token_tree tree = build_token_tree(sequences, kept);
  std::vector<raw_score> raw(scored.size());
  std::vector<wanted_token> wanted;
  for (size_t i = 0; i < scored.size(); ++i) {
    raw[i].logprobs.resize(scored[i]->size());
    raw[i].greedy.resize(scored[i]->size());
    for (size_t k = 0; k < scored[i]->size(); ++k)
      wanted.push_back(
          {tree.places[i][k], (*scored[i])[k], &raw[i].logprobs[k], &raw[i].greedy[k]});
  }
  if (!tree.ids.empty()) {
    scoring work(decoder, tree, std::move(wanted), options);
    work.run();
    work.report(counted);
  }
  for (size_t i = 0; i < raw.size(); ++i) *results[i] = result_of(raw[i]);
  if (usage != nullptr) *usage = counted;
  return out;
}

std::vector<score_result> score(const model::decoder &decoder, const std::vector<int64_t> &context,
                                const std::vector<std::vector<int64_t>> &continuations) {
  return score_many(decoder, {{context, continuations}})[0];
}

}  // namespace assay::engine
