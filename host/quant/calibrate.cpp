// The staged forward over calibration chunks. Memory: the residual stream, one stage's activations
// of all chunks, one block's statistics; never the whole model's.
#include "quant/calibrate.hpp"

#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <set>

#include "core/cancel.hpp"
#include "core/error.hpp"

namespace assay::quant {
namespace {

using model::linear_group;
using clock = std::chrono::steady_clock;

double seconds_since(clock::time_point start) {
  return std::chrono::duration<double>(clock::now() - start).count();
}

// One stream of sequences on its way through the blocks.
struct stream {
  at::Tensor ids, counted;
  model::forward_context context;
  at::Tensor h;      // [rows, tokens, hidden] residual stream
  at::Tensor stage;  // input of the linears at the present stop
  bool sink = false;
};

at::Tensor counted_rows(const stream &s) {
  const auto flat = s.stage.reshape({-1, s.stage.size(-1)});
  return s.counted.defined() ? flat.index_select(0, s.counted) : flat;
}

std::vector<model::linear_op *> members(model::decoder_block &block, linear_group group) {
  std::vector<model::linear_op *> found;
  for (auto *linear : block.linears())
    if (linear->group == group) found.push_back(linear);
  return found;
}

// Advances a stream from the previous stop (or block start) to `group`.
void advance(stream &s, const model::decoder_block &block, linear_group group) {
  switch (group) {
    case linear_group::qkv:
      s.stage = block.attention_input(s.h);
      return;
    case linear_group::o:
      s.stage = block.attention(s.stage, s.context);
      return;
    case linear_group::gate_up:
      s.h = block.after_attention(s.h, s.stage);
      s.stage = block.mlp_input(s.h);
      return;
    case linear_group::down:
      s.stage = block.mlp_hidden(s.stage);
      return;
    case linear_group::head:
      break;
  }
  throw error(error_kind::failed, "the head is no stop of a block");
}

class pass {
 public:
  pass(model::decoder &live, const calibration &data, const calibrate_options &options)
      : live_(live), options_(options) {
    for (const auto &chunk : make_chunks(data, options.chunk_tokens)) add_stream(chunk, false);
    n_chunks_ = streams_.size();
    if (options.sink) {
      const auto chunk = make_sink_chunk(data);
      sink_tokens_ = chunk.ids.numel();
      add_stream(chunk, true);
    }
  }

  void run(const std::function<void(calibration_stop &)> &visit) {
    constexpr linear_group k_order[] = {linear_group::qkv, linear_group::o, linear_group::gate_up,
                                        linear_group::down};
    const auto total = static_cast<uint64_t>(live_.n_blocks()) * std::size(k_order);
    uint64_t done = 0;
    for (int64_t index = 0; index < live_.n_blocks(); ++index) {
      auto &block = live_.block(index);
      for (const auto group : k_order) {
        report_progress(options_.progress, done++, total,
                        "block " + std::to_string(index + 1) + " " + model::group_name(group));
        auto stop = stop_at(block, index, group);
        if (stop.statistics.n_tokens > 0) visit(stop);
      }
      const auto start = clock::now();
      for (auto &s : streams_) {
        throw_if_cancelled();
        s.h = block.after_mlp(s.h, s.stage);
        s.stage = at::Tensor();
      }
      forward_seconds_ += seconds_since(start);
    }
    report_progress(options_.progress, total, total, "calibration");
  }

  json facts() const {
    return {{"chunks", n_chunks_},
            {"sink_tokens", sink_tokens_},
            {"forward_seconds", forward_seconds_},
            {"statistics_seconds", statistics_seconds_}};
  }

 private:
  void add_stream(const calibration_chunk &chunk, bool sink) {
    stream s;
    s.ids = chunk.ids.to(live_.device());
    if (chunk.counted.defined()) s.counted = chunk.counted.to(live_.device());
    s.context = live_.context(s.ids.size(0), s.ids.size(1));
    s.h = live_.embed(s.ids);
    s.sink = sink;
    streams_.push_back(std::move(s));
  }

  calibration_stop stop_at(model::decoder_block &block, int64_t index, linear_group group) {
    calibration_stop stop;
    stop.block = index;
    stop.group = group;
    stop.linears = members(block, group);
    const bool wanted = !options_.wanted || options_.wanted(index, group);
    const int64_t width = stop.linears.front()->in_features();
    statistics_accumulator tokens(width, wanted ? options_.needs : statistics_needs{},
                                  live_.device());
    statistics_needs only_hessian;
    only_hessian.hessian = wanted && options_.sink;
    statistics_accumulator sinks(width, only_hessian, live_.device());
    for (auto &s : streams_) {
      throw_if_cancelled();
      const auto start = clock::now();
      advance(s, block, group);
      forward_seconds_ += seconds_since(start);
      if (!wanted) continue;
      const auto middle = clock::now();
      (s.sink ? sinks : tokens).add(counted_rows(s));
      statistics_seconds_ += seconds_since(middle);
    }
    stop.n_non_finite = tokens.n_non_finite();
    stop.statistics = tokens.finish();
    if (only_hessian.hessian) stop.sink = sinks.finish();
    return stop;
  }

  model::decoder &live_;
  const calibrate_options &options_;
  std::vector<stream> streams_;
  size_t n_chunks_ = 0;
  int64_t sink_tokens_ = 0;
  double forward_seconds_ = 0, statistics_seconds_ = 0;
};

}  // namespace

std::vector<calibration_chunk> make_chunks(const calibration &data, int64_t chunk_tokens) {
  std::map<size_t, std::vector<size_t>> by_length;  // sequences of equal length run together
  const auto &sequences = data.sequences();
  for (size_t i = 0; i < sequences.size(); ++i) by_length[sequences[i].ids.size()].push_back(i);
  std::vector<calibration_chunk> chunks;
  for (const auto &[length, members] : by_length) {
    const auto per_chunk = std::max<size_t>(1, static_cast<size_t>(chunk_tokens) / length);
    for (size_t first = 0; first < members.size(); first += per_chunk) {
      const size_t rows = std::min(per_chunk, members.size() - first);
      calibration_chunk chunk;
      chunk.ids = at::empty({static_cast<int64_t>(rows), static_cast<int64_t>(length)}, at::kLong);
      std::vector<int64_t> counted;
      bool masked = false;
      for (size_t row = 0; row < rows; ++row) {
        const auto &sequence = sequences[members[first + row]];
        std::copy(sequence.ids.begin(), sequence.ids.end(),
                  chunk.ids.data_ptr<int64_t>() + row * length);
        masked |= !sequence.counted.empty();
        for (size_t t = 0; t < length; ++t)
          if (sequence.counted.empty() || sequence.counted[t])
            counted.push_back(static_cast<int64_t>(row * length + t));
      }
      if (masked) chunk.counted = at::tensor(counted, at::kLong);
      chunks.push_back(std::move(chunk));
    }
  }
  return chunks;
}

calibration_chunk make_sink_chunk(const calibration &data, int64_t limit) {
  std::set<int64_t> distinct;
  for (const auto &sequence : data.sequences())
    distinct.insert(sequence.ids.begin(), sequence.ids.end());
  const std::vector<int64_t> all(distinct.begin(), distinct.end());
  const auto n = std::min<int64_t>(limit, static_cast<int64_t>(all.size()));
  calibration_chunk chunk;
  chunk.ids = at::empty({n, 1}, at::kLong);
  for (int64_t i = 0; i < n; ++i)
    chunk.ids.data_ptr<int64_t>()[i] =
        all[static_cast<size_t>(i) * all.size() / static_cast<size_t>(n)];
  return chunk;
}

json calibrate(model::decoder &live, const calibration &data, const calibrate_options &options,
               const std::function<void(calibration_stop &)> &visit) {
  at::NoGradGuard no_grad;
  const auto start = clock::now();
  pass run(live, data, options);
  run.run(visit);
  json facts = run.facts();
  facts["tokens"] = data.n_tokens();
  facts["counted_tokens"] = data.n_counted();
  facts["seconds"] = seconds_since(start);
  return facts;
}

}  // namespace assay::quant
