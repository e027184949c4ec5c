// Reads and writes the tokens of a conversation, and lets its KV cache grow.
#include "engine/conversation.hpp"

#include <ATen/core/grad_mode.h>

#include <algorithm>

#include "core/cancel.hpp"
#include "core/error.hpp"
#include "engine/perplexity.hpp"

namespace assay::engine {
namespace {

constexpr int64_t k_first_room = 512;  // tokens
constexpr int64_t k_chunk = 256;       // tokens computed between two looks for Ctrl-C

}  // namespace

conversation::conversation(const model::decoder &decoder)
    : decoder_(decoder),
      cache_(decoder.config(), 1, std::min(k_first_room, decoder.config().max_positions),
             decoder.dtype(), decoder.device()) {}

bool conversation::is_full() const {
  return tokens() + (written_ ? 1 : 0) >= decoder_.config().max_positions;
}

void conversation::make_room(int64_t tokens) {
  if (tokens <= cache_.capacity()) return;
  const int64_t room =
      std::min(std::max(tokens, 2 * cache_.capacity()), decoder_.config().max_positions);
  model::kv_cache larger(decoder_.config(), 1, room, decoder_.dtype(), decoder_.device());
  const int64_t held = cache_.length(0);
  for (int64_t layer = 0; layer < cache_.n_layers(); ++layer) {
    larger.keys(layer).narrow(2, 0, held).copy_(cache_.keys(layer).narrow(2, 0, held));
    larger.values(layer).narrow(2, 0, held).copy_(cache_.values(layer).narrow(2, 0, held));
  }
  larger.set_length(0, held);
  cache_ = std::move(larger);
}

void conversation::compute(const std::vector<int64_t> &ids) {
  const at::NoGradGuard no_grad;
  make_room(tokens() + std::ssize(ids));
  logits_ = at::Tensor();
  for (size_t begin = 0; begin < ids.size(); begin += k_chunk) {
    throw_if_cancelled();
    const size_t end = std::min(ids.size(), begin + k_chunk);
    const std::vector<int64_t> part(ids.begin() + static_cast<std::ptrdiff_t>(begin),
                                    ids.begin() + static_cast<std::ptrdiff_t>(end));
    const at::Tensor row = at::tensor(part, at::kLong).unsqueeze(0);
    const at::Tensor hidden = decoder_.hidden(row, &cache_);
    ids_.insert(ids_.end(), part.begin(), part.end());
    if (end == ids.size())
      logits_ = decoder_.logits(hidden.narrow(1, std::ssize(part) - 1, 1))
                    .view({-1})
                    .to(at::kCPU)
                    .contiguous();
  }
}

int64_t conversation::read(const std::vector<int64_t> &ids, const sampler_options &options,
                           uint64_t seed) {
  if (ids.empty()) throw error(error_kind::usage, "a conversation needs at least one token");
  check_ids(decoder_, ids);
  if (std::ssize(ids) >= decoder_.config().max_positions)
    throw error(error_kind::usage, "the conversation has " + std::to_string(ids.size()) +
                                       " tokens, and the model takes " +
                                       std::to_string(decoder_.config().max_positions));
  // The last token is computed in any case, because its logits choose the first token of the answer.
  const auto last = ids.end() - 1;
  const auto same = std::mismatch(ids.begin(), last, ids_.begin(), ids_.end());
  const int64_t kept = same.first - ids.begin();
  cache_.set_length(0, kept);
  ids_.resize(static_cast<size_t>(kept));
  written_.reset();
  choose_.emplace(options, seed);
  choose_->saw_prompt(ids);
  compute({ids.begin() + kept, ids.end()});
  return std::ssize(ids) - kept;
}

std::optional<int64_t> conversation::next() {
  throw_if_cancelled();
  if (written_) {
    const int64_t id = *written_;
    written_.reset();
    compute({id});
  }
  if (!logits_.defined() || !choose_)
    throw error(error_kind::usage, "a conversation reads a text before it writes");
  if (is_full()) return std::nullopt;
  const int64_t id = choose_->next(logits_).id;
  const std::vector<int64_t> &ends = decoder_.config().eos_ids;
  if (std::find(ends.begin(), ends.end(), id) != ends.end()) return std::nullopt;
  written_ = id;
  return id;
}

}  // namespace assay::engine
