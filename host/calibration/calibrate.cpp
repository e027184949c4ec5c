// The staged forward over calibration chunks. Memory: the residual stream (twice with a second
// stream), one stage's activations of all chunks, one block's statistics; never the whole model's.
#include "calibration/calibrate.hpp"

#include <ATen/Parallel.h>
#include <ATen/core/grad_mode.h>

#include <malloc.h>

#include <chrono>
#include <cmath>
#include <memory>
#include <optional>

#include "core/cancel.hpp"
#include "core/error.hpp"
#include "core/resources.hpp"

namespace assay::quant {
namespace {

using model::linear_group;
using clock = std::chrono::steady_clock;

constexpr linear_group k_order[] = {linear_group::qkv, linear_group::o, linear_group::gate_up,
                                    linear_group::down};

// Wall and CPU seconds of one kind of work; the latter hardly see the machine's other work.
struct stopwatch {
  double wall = 0, cpu = 0;
  template <class F>
  auto around(F &&work) {
    struct stop {
      stopwatch &self;
      clock::time_point start = clock::now();
      double cpu_start = process_cpu_seconds();
      ~stop() {
        self.wall += std::chrono::duration<double>(clock::now() - start).count();
        self.cpu += process_cpu_seconds() - cpu_start;
      }
    } const stop{*this};
    return work();
  }
};

double seconds_since(clock::time_point start) {
  return std::chrono::duration<double>(clock::now() - start).count();
}

std::vector<model::linear_op *> members(model::decoder_block &block, linear_group group) {
  std::vector<model::linear_op *> found;
  for (auto *linear : block.linears())
    if (linear->group == group) found.push_back(linear);
  return found;
}

// Both accumulators of one stop.
struct stop_sums {
  stop_sums(const model::linear_op &linear, const statistics_needs &needs, bool sink,
            at::Device device)
      : online(linear.online),
        needs_any(needs.any()),
        sink_wanted(sink),
        tokens(linear.in_features(), needs, device),
        sinks(linear.in_features(), sink_needs(needs, sink), device) {}

  void add(const calibration_stream &s) {
    if (!needs_any && !sink_wanted) return;
    const auto x = seen(s, s.stage);
    const auto x_float = s.stage_float.defined() ? seen(s, s.stage_float) : at::Tensor();
    // What add will need, asked for before anything is added: a failure must leave the sums alone.
    if (x.numel() > 0) at::empty({2, x.size(0), x.size(1)}, x.options().dtype(at::kFloat));
    (s.sink ? sinks : tokens).add(x, x_float);
  }

  calibration_stop finish(int64_t block, linear_group group,
                          std::vector<model::linear_op *> linears) {
    if (tokens.n_non_finite() > 0)
      throw error(error_kind::failed,
                  std::to_string(tokens.n_non_finite()) + " values of the input are not finite")
          .layer(linears.front()->name)
          .hint("Look for NaN or Inf in the subject's weights, or load it as float32");
    calibration_stop stop;
    stop.block = block;
    stop.group = group;
    stop.linears = std::move(linears);
    stop.statistics = tokens.finish();
    if (sink_wanted) stop.sink = sinks.finish();
    return stop;
  }

  std::function<at::Tensor(const at::Tensor &)> online;  // of the linears here; empty = none
  bool needs_any, sink_wanted;
  statistics_accumulator tokens, sinks;

 private:
  // What the product will see, online operation included: the rows that count.
  at::Tensor seen(const calibration_stream &s, const at::Tensor &stage) const {
    const auto rows = s.counted_rows(stage);
    return online ? online(rows) : rows;
  }
  static statistics_needs sink_needs(const statistics_needs &needs, bool sink) {
    statistics_needs out;
    out.hessian = sink;
    out.cross = sink && needs.cross;
    return out;
  }
};

class pass {
 public:
  pass(model::decoder &live, const calibration &data, const calibrate_options &options)
      : live_(live), options_(options) {
    const bool two = options.reference != nullptr;
    for (const auto &chunk : make_chunks(data, options.chunk_tokens))
      streams_.push_back(make_stream(live, chunk, two, false));
    n_chunks_ = streams_.size();
    if (options.sink) {
      const auto chunk = make_sink_chunk(data);
      sink_tokens_ = chunk.ids.numel();
      streams_.push_back(make_stream(live, chunk, two, true));
    }
    for (auto &s : streams_) {
      s.first = tokens_;
      tokens_ += s.h.size(0) * s.h.size(1);
    }
    if (!options.stage_folder.empty() && live.device().is_cpu())
      stages_ = std::make_unique<stage_file>(options.stage_folder);
  }

  void run(const std::function<void(calibration_stop &)> &visit) {
    total_ = static_cast<uint64_t>(live_.n_blocks()) * std::size(k_order);
    for (int64_t index = 0; index < live_.n_blocks(); ++index) {
      live_.bring_in(index);
      if (options_.block_begins) options_.block_begins(index);
      if (options_.whole && options_.whole(index))
        run_whole(index);
      else
        run_staged(index, visit);
      if (options_.block_done) options_.block_done(index);
      live_.let_go(index);
    }
    if (options_.wanted && options_.wanted(-1, linear_group::head)) run_head(visit);
    report_progress(options_.progress, total_, total_, "calibration");
  }

  json facts() const {
    json out = {{"chunks", n_chunks_},
                {"sink_tokens", sink_tokens_},
                {"threads", at::get_num_threads()},
                {"forward_seconds", forward_.wall},
                {"forward_cpu_seconds", forward_.cpu},
                {"statistics_seconds", statistics_.wall},
                {"statistics_cpu_seconds", statistics_.cpu}};
    if (stages_) out["stage_cpu_seconds"] = staging_.cpu;
    if (options_.reference) out["streams"] = 2;
    if (narrowest_ >= 0) out["rank"] = {{"tokens", rank_tokens_}, {"width", rank_width_}};
    return out;
  }

 private:
  using mover = std::function<calibration_stream(const calibration_stream &)>;

  void run_staged(int64_t index, const std::function<void(calibration_stop &)> &visit) {
    auto &block = live_.block(index);
    const auto *reference = reference_block(index);
    std::optional<linear_group> last;  // the stop whose stages the streams hold, if any
    const auto awake = [&](const calibration_stream &s) {
      calibration_stream out = s;
      if (stages_ && last)
        staging_.around([&] { out.take_up(*last, block, reference, *stages_, tokens_); });
      return out;
    };
    for (const auto group : k_order) {
      tell(index, model::group_name(group));
      auto linears = members(block, group);
      auto sums = sums_for(index, group, *linears.front());
      const auto name = linears.front()->name;
      move_all(
          [&](const calibration_stream &s) { return awake(s).to_stop(group, block, reference); },
          [&](calibration_stream &s) {
            statistics_.around([&] { sums.add(s); });
            if (stages_) staging_.around([&] { s.lay_down(group, *stages_, tokens_); });
          },
          name);
      last = group;
      auto stop = finish(sums, index, group, std::move(linears));
#ifdef __GLIBC__
      if (stages_) ::malloc_trim(0);  // the forward's holes, before a solve fills memory elsewhere
#endif
      if (stop.statistics.n_tokens > 0) visit(stop);
    }
    move_all([&](const calibration_stream &s) { return awake(s).after(block, reference); }, nullptr,
             "model.layers." + std::to_string(index));
  }

  // One chunk at a time through all stops, so that no more than one chunk's activations are kept;
  // then, with whatever the visitor made of the block, once more.
  void run_whole(int64_t index) {
    auto &block = live_.block(index);
    const auto *reference = reference_block(index);
    tell(index, "statistics");
    calibration_block seen;
    seen.block = index;
    std::vector<stop_sums> sums;
    for (const auto group : k_order)
      sums.push_back(sums_for(index, group, *members(block, group).front()));
    const bool any = sums.front().needs_any || sums.front().sink_wanted;
    if (any)
      move_all(
          [&](const calibration_stream &s) {
            std::vector<calibration_stream>
                at_stop;  // all four first: adding must not fail halfway
            for (const auto group : k_order)
              at_stop.push_back(
                  (at_stop.empty() ? s : at_stop.back()).to_stop(group, block, reference));
            for (size_t i = 0; i < at_stop.size(); ++i) sums[i].add(at_stop[i]);
            return s;
          },
          nullptr, "model.layers." + std::to_string(index));
    for (size_t i = 0; i < std::size(k_order); ++i)
      seen.stops[k_order[i]] = finish(sums[i], index, k_order[i], members(block, k_order[i]));
    for (const auto &s : streams_)
      if (!s.sink) seen.streams.push_back(s);
    done_ += 2;
    tell(index, "whole");
    options_.visit_block(seen);
    move_all([&](const calibration_stream &s) { return s.across(block, reference); }, nullptr,
             "model.layers." + std::to_string(index));
  }

  void run_head(const std::function<void(calibration_stop &)> &visit) {
    auto &head = live_.head();
    auto sums = sums_for(-1, linear_group::head, head);
    move_all(
        [&](const calibration_stream &s) {
          calibration_stream at_head = s;
          at_head.stage = live_.final_norm(s.h);
          if (s.h_float.defined()) at_head.stage_float = options_.reference->final_norm(s.h_float);
          sums.add(at_head);
          return s;
        },
        nullptr, "lm_head");
    auto stop = finish(sums, -1, linear_group::head, {&head});
    visit(stop);
  }

  const model::decoder_block *reference_block(int64_t index) const {
    return options_.reference ? &options_.reference->block(index) : nullptr;
  }

  stop_sums sums_for(int64_t index, linear_group group, const model::linear_op &linear) {
    const bool wanted = !options_.wanted || options_.wanted(index, group);
    return stop_sums(linear, wanted ? options_.needs : statistics_needs{}, wanted && options_.sink,
                     live_.device());
  }

  calibration_stop finish(stop_sums &sums, int64_t index, linear_group group,
                          std::vector<model::linear_op *> linears) {
    const int64_t width = linears.front()->in_features();
    auto stop = sums.finish(index, group, std::move(linears));
    const auto tokens = stop.statistics.n_tokens;
    const double ratio = static_cast<double>(tokens) / static_cast<double>(width);
    if (tokens > 0 && (narrowest_ < 0 || ratio < narrowest_))
      narrowest_ = ratio, rank_tokens_ = tokens, rank_width_ = width;
    return stop;
  }

  // Moves every stream and looks at it, which may take its stages away; one whose step runs out of
  // memory is halved and tried again.
  void move_all(const mover &move, const std::function<void(calibration_stream &)> &look,
                const std::string &where) {
    for (size_t i = 0; i < streams_.size();) {
      throw_if_cancelled();
      try {
        auto next = forward_.around([&] { return move(streams_[i]); });
        if (look) look(next);
        streams_[i++] = std::move(next);
      } catch (...) {
        if (!ran_out_of_memory()) throw;
        halve(i, where);
      }
    }
  }

  void halve(size_t i, const std::string &where) {
    const int64_t rows = streams_[i].rows();
    if (rows < 2)
      throw error(error_kind::failed, "out of memory with a single calibration sequence of " +
                                          std::to_string(streams_[i].h.size(1)) + " tokens")
          .layer(where)
          .hint("Use shorter sequences, fewer of them, or a machine with more memory");
    auto [low, high] = streams_[i].halves(live_);
    streams_[i] = std::move(low);
    streams_.insert(streams_.begin() + static_cast<std::ptrdiff_t>(i) + 1, std::move(high));
    ++n_chunks_;
    if (options_.smaller_chunks) options_.smaller_chunks(where, rows / 2);
  }

  void tell(int64_t index, const std::string &what) {
    report_progress(options_.progress, done_++, total_,
                    "block " + std::to_string(index + 1) + " " + what);
  }

  model::decoder &live_;
  const calibrate_options &options_;
  std::vector<calibration_stream> streams_;
  size_t n_chunks_ = 0;
  std::unique_ptr<stage_file> stages_;  // where they lie in a file
  int64_t tokens_ = 0;                  // of all streams
  int64_t sink_tokens_ = 0, rank_tokens_ = 0, rank_width_ = 0;
  uint64_t done_ = 0, total_ = 0;
  stopwatch forward_, statistics_, staging_;  // staging: most of it inside the forward
  double narrowest_ = -1;
};

}  // namespace

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
