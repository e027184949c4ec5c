// Continuous batching: what runs, where its keys lie, and which tokens the next forward pass takes.
#include "engine/step_loop.hpp"

#include <algorithm>
#include <iterator>

#include "core/error.hpp"
#include "engine/head.hpp"

namespace assay::engine {

using model::attention_segment;
using model::key_place;

namespace {

// In tokens. Sharing a shorter prefix costs more (one more range of keys) than it saves.
constexpr int64_t k_shared_prefix = 16;

// Prompts that wait for their part of a pass get at least this many tokens of it, in the order of their
// admission: smaller pieces cost more in attention and copies than they gain in fairness.
constexpr int64_t k_least_piece = 16;

}  // namespace

struct step_loop::pass {
  struct decision {  // a row of hidden states that predicts the next token of answers
    int64_t row;
    sequence *of;
    size_t first, count;  // branches
  };
  struct reading {  // rows that predict tokens of a prompt
    sequence *of;
    std::vector<head_target> targets;
  };
  std::vector<int64_t> ids;
  std::vector<attention_segment> segments;
  std::vector<decision> decisions;
  std::vector<reading> readings;
  std::vector<sequence *> complete;  // those whose prompt ends in this pass
  loop_step told;

  // Adds `count` tokens of a sequence, which are already in `ids`. `keys`: all keys that they see, their own last.
  void add(int64_t position, int64_t count, std::vector<key_place> keys) {
    segments.push_back({0, 0, count, position, std::move(keys)});
  }
};

namespace {

// Returns the places of the first `end` keys.
template <class Held>
std::vector<key_place> places(const std::vector<Held> &keys, int64_t end) {
  std::vector<key_place> out;
  for (const Held &held : keys) {
    key_place place = held.place;
    if (place.position >= end) break;
    place.count = std::min(place.count, end - place.position);
    out.push_back(place);
  }
  return out;
}

}  // namespace

int64_t cache_bytes_per_token(const model::decoder &decoder) {
  const model::decoder_config &c = decoder.config();
  const int64_t heads = 2 * c.n_layers * c.n_kv_heads;
  if (decoder.kv_code.bits > 0) return heads * (decoder.kv_code.bytes(c.head_dim) + 4 + 1);
  return heads * c.head_dim * static_cast<int64_t>(at::elementSize(decoder.dtype()));
}

step_loop::step_loop(const model::decoder &decoder, const loop_settings &settings)
    : decoder_(decoder),
      settings_(settings),
      runner_(decoder,
              settings.batch_tokens > 0 ? settings.batch_tokens : default_batch_tokens(decoder)),
      pool_(settings.pool_tokens),
      cache_(decoder.make_cache(1, pool_.capacity())) {}

bool step_loop::fits(const loop_job &job) const {
  return job.answers <= std::max<int64_t>(settings_.max_live, 1) &&
         std::ssize(*job.prompt) + job.answers * job.room <= pool_.capacity();
}

bool step_loop::admit(loop_job &job) {
  if (!live_.empty() && n_answers() + std::max<int64_t>(job.answers, 1) > settings_.max_live)
    return false;
  sequence s(job);
  if (!find_room(s)) {
    if (!live_.empty()) return false;
    donor_ = nullptr;
    donor_keys_.clear();  // frees the keys, which may take the room that is missing
    if (!find_room(s)) throw error(error_kind::failed, "the KV pool is too small");
  }
  job.readings.clear();
  job.results.clear();
  if (settings_.share_prefixes) remember_as_donor(s);
  live_.push_back(std::move(s));
  return true;
}

void step_loop::remember_as_donor(const sequence &s) {
  donor_ = &s.prompt;
  donor_keys_ = s.keys;
}

// Reserves places for the keys of a sequence. A prefix that the sequence shares with the prompt admitted
// before keeps its places; the rest gets new ones. Returns false if there is no room.
bool step_loop::find_room(sequence &s) {
  s.keys.clear();
  s.branches.clear();
  s.shared = 0;
  if (donor_) {
    const auto end =
        std::mismatch(s.prompt.begin(), s.prompt.end(), donor_->begin(), donor_->end());
    // The last token is computed again: its hidden state predicts the first token of the answer.
    s.shared = std::min(end.first - s.prompt.begin(), std::ssize(s.prompt) - 1);
    if (s.shared < k_shared_prefix) s.shared = 0;
  }
  for (const held_place &held : donor_keys_) {
    if (held.place.position >= s.shared) break;
    s.keys.push_back(held);
    s.keys.back().place.count = std::min(held.place.count, s.shared - held.place.position);
  }
  const loop_job &job = s.job;
  const int64_t size = std::ssize(s.prompt), own = size - s.shared;
  const key_pool::region prompt = pool_.take(own);
  if (!prompt) return false;
  s.keys.push_back({{0, *prompt, s.shared, own}, prompt});
  s.branches.reserve(static_cast<size_t>(job.answers));
  for (int64_t i = 0; i < job.answers; ++i) {
    const key_pool::region rest = pool_.take(job.room);
    if (!rest) return false;
    s.branches.push_back(
        {answer(*job.options, *job.eos, job.index + static_cast<size_t>(i), s.prompt, job.room),
         {{0, *rest, size, 0}, rest}});
  }
  s.prefilled = s.shared;
  return true;
}

loop_step step_loop::step() {
  pass p;
  p.told.live = n_answers();
  feed_answers(p);
  feed_prompts(p);
  const at::Tensor hidden = runner_.run(p.ids, p.segments, cache_);
  read_prompts(hidden, p);
  choose(hidden, p);
  for (const pass::decision &one : p.decisions) p.told.chosen += static_cast<int64_t>(one.count);
  return p.told;
}

void step_loop::feed_answers(pass &p) {
  for (sequence &s : live_) {
    if (s.left() > 0) continue;
    for (size_t i = 0; i < s.branches.size(); ++i) {
      branch &b = s.branches[i];
      if (b.growing.done()) continue;
      const int64_t position = std::ssize(s.prompt) + b.growing.tokens() - 1;
      p.ids.push_back(b.growing.last());
      ++b.keys.place.count;
      std::vector<key_place> keys = places(s.keys, position);
      keys.push_back(b.keys.place);
      p.add(position, 1, std::move(keys));
      p.decisions.push_back({std::ssize(p.ids) - 1, &s, i, 1});
      ++p.told.answer_tokens;
    }
  }
}

// Prompts in the order of admission get an equal part of what is left of the budget; what a short one does not
// need goes to those after it. With shared prefixes each gets all that it can use, because
// the one after it needs its keys.
void step_loop::feed_prompts(pass &p) {
  int64_t waiting = 0;
  for (const sequence &s : live_) waiting += s.left() > 0;
  for (sequence &s : live_) {
    if (s.left() == 0) continue;
    const int64_t budget = runner_.limit() - std::ssize(p.ids);
    if (budget <= 0) break;
    const int64_t part = settings_.share_prefixes
                             ? budget
                             : std::min(budget, std::max(k_least_piece, budget / waiting));
    feed_prompt(p, s, std::min(s.left(), part));
    --waiting;
  }
}

void step_loop::feed_prompt(pass &p, sequence &s, int64_t count) {
  const int64_t first = s.prefilled, row = std::ssize(p.ids);
  const auto begin = s.prompt.begin() + first;
  p.ids.insert(p.ids.end(), begin, begin + count);
  p.add(first, count, places(s.keys, first + count));
  p.told.prompt_tokens += count;
  s.prefilled += count;
  if (s.job.prompt_top >= 0) {
    pass::reading one{&s, {}};
    for (int64_t i = 0; i < count && first + i + 1 < std::ssize(s.prompt); ++i)
      one.targets.push_back({row + i, begin[i + 1]});
    if (!one.targets.empty()) p.readings.push_back(std::move(one));
  }
  if (s.left() > 0) return;
  p.complete.push_back(&s);
  if (!s.branches.empty()) p.decisions.push_back({std::ssize(p.ids) - 1, &s, 0, s.branches.size()});
}

void step_loop::read_prompts(const at::Tensor &hidden, const pass &p) {
  for (const pass::reading &one : p.readings) {
    loop_job &job = one.of->job;
    std::vector<token_reading> read =
        read_tokens(decoder_, hidden, one.targets, job.prompt_top, job.options->n_sampled);
    std::move(read.begin(), read.end(), std::back_inserter(job.readings));
  }
  for (sequence *one : p.complete)
    if (one->job.on_read) one->job.on_read();
}

void step_loop::choose(const at::Tensor &hidden, const pass &p) {
  std::vector<int64_t> rows;
  for (const pass::decision &one : p.decisions) rows.push_back(one.row);
  if (rows.empty()) return;
  const at::Tensor states = hidden.index_select(0, at::tensor(rows, at::kLong).to(hidden.device()));
  const int64_t n = std::ssize(rows), tile = head_tile_rows(decoder_);
  for (int64_t begin = 0; begin < n; begin += tile) {
    const int64_t size = std::min(tile, n - begin);
    const at::Tensor logits =
        decoder_.logits(states.narrow(0, begin, size)).to(at::kCPU).contiguous();
    for (int64_t i = 0; i < size; ++i) {
      const pass::decision &one = p.decisions[static_cast<size_t>(begin + i)];
      for (size_t b = one.first; b < one.first + one.count; ++b)
        one.of->branches[b].growing.advance(logits.select(0, i));
    }
  }
}

std::vector<loop_job *> step_loop::take_finished() {
  std::vector<loop_job *> out;
  for (auto s = live_.begin(); s != live_.end();) {
    for (branch &b : s->branches)
      if (b.growing.done()) b.keys.region.reset();  // others may use its room
    if (s->left() > 0 || s->running() > 0) {
      ++s;
      continue;
    }
    for (branch &b : s->branches) s->job.results.push_back(b.growing.take());
    out.push_back(&s->job);
    s = live_.erase(s);
  }
  return out;
}

void step_loop::drop(const loop_job &job) {
  live_.remove_if([&](const sequence &s) { return &s.job == &job; });
}

int64_t step_loop::n_answers() const {
  int64_t n = 0;
  for (const sequence &s : live_) n += std::max<int64_t>(s.running(), 1);
  return n;
}

int64_t step_loop::written() const {
  int64_t n = 0;
  for (const sequence &s : live_) {
    n += s.prefilled - s.shared;
    for (const branch &b : s.branches) n += b.growing.done() ? 0 : b.keys.place.count;
  }
  return n;
}

void step_loop::clear() {
  live_.clear();
}

}  // namespace assay::engine
