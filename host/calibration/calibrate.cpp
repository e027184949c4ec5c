// Runs the calibration pass. All chunks move from stop to stop of a block before the next block begins.
// In memory are the hidden states between layers (twice with a second stream), the inputs of all chunks
// at one stop (unless a file holds them), and the statistics of at most one block.
#include "calibration/calibrate.hpp"

#include <ATen/Parallel.h>
#include <ATen/core/grad_mode.h>

#include <malloc.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <memory>
#include <optional>

#include "calibration/expert_stops.hpp"
#include "core/cancel.hpp"
#include "core/error.hpp"
#include "core/resources.hpp"

namespace assay::quant {
namespace {

using model::linear_group;
using clock = std::chrono::steady_clock;

constexpr linear_group k_order[] = {linear_group::qkv, linear_group::o, linear_group::gate_up,
                                    linear_group::down};

// Sums the time that one kind of work takes: seconds of the clock, and CPU seconds of all threads. CPU
// seconds hardly depend on what else the machine does.
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

class pass {
 public:
  pass(model::decoder &live, const calibration &data, const calibrate_options &options)
      : live_(live), options_(options) {
    const bool two = options.float_model != nullptr;
    for (const auto &chunk : make_chunks(data, options.chunk_tokens))
      streams_.push_back(make_stream(live, chunk, two, false));
    n_chunks_ = streams_.size();
    if (options.first_token) {
      const auto chunk = make_first_token_chunk(data);
      first_tokens_ = chunk.ids.numel();
      streams_.push_back(make_stream(live, chunk, two, true));
    }
    for (auto &s : streams_) {
      s.first = tokens_;
      tokens_ += s.h.size(0) * s.h.size(1);
    }
    if (!options.activation_folder.empty() && live.device().is_cpu())
      activations_ = std::make_unique<activation_file>(options.activation_folder);
  }

  void run(const std::function<void(calibration_stop &)> &visit) {
    total_ = static_cast<uint64_t>(live_.n_blocks()) * std::size(k_order);
    for (int64_t index = 0; index < live_.n_blocks(); ++index) {
      live_.bring_in(index);
      if (options_.block_begins) options_.block_begins(index);
      if (options_.whole && options_.whole(index))
        run_whole(index);
      else
        run_by_stops(index, visit);
      if (options_.block_done) options_.block_done(index);
      live_.let_go(index);
    }
    if (options_.wanted && options_.wanted(-1, {linear_group::head, -1})) run_head(visit);
    report_progress(options_.progress, total_, total_, "calibration");
  }

  json facts() const {
    json out = {{"chunks", n_chunks_},
                {"sink_tokens", first_tokens_},
                {"threads", at::get_num_threads()},
                {"forward_seconds", forward_.wall},
                {"forward_cpu_seconds", forward_.cpu},
                {"statistics_seconds", statistics_.wall},
                {"statistics_cpu_seconds", statistics_.cpu}};
    if (activations_) out["stage_cpu_seconds"] = spilling_.cpu;
    if (options_.float_model) out["streams"] = 2;
    if (narrowest_ >= 0) out["rank"] = {{"tokens", rank_tokens_}, {"width", rank_width_}};
    if (!experts_.empty()) out["experts"] = experts_;
    return out;
  }

 private:
  using mover = std::function<calibration_stream(const calibration_stream &)>;

  void run_by_stops(int64_t index, const std::function<void(calibration_stop &)> &visit) {
    auto &block = live_.block(index);
    const auto *float_model = float_block(index);
    std::optional<linear_group> last;  // the stop where the streams are; none at the block's start
    // The stream with its inputs, which may lie in the file.
    const auto restored = [&](const calibration_stream &s) {
      calibration_stream out = s;
      if (activations_ && last)
        spilling_.around([&] { out.restore(*last, block, float_model, *activations_, tokens_); });
      return out;
    };
    for (const auto group : k_order) {
      report(index, model::group_name(group));
      if (group == linear_group::down && block.has_experts()) {
        run_experts(block, float_model, restored, visit);
        break;
      }
      auto linears = readers(block, {group, -1});
      auto sums = sums_for(index, group, *linears.front());
      const auto name = linears.front()->name;
      move_all(
          [&](const calibration_stream &s) {
            return restored(s).to_stop(group, block, float_model);
          },
          [&](calibration_stream &s) {
            statistics_.around([&] { add(s, sums); });
            if (activations_) spilling_.around([&] { s.spill(group, *activations_, tokens_); });
          },
          name);
      last = group;
      auto stop = finish(sums, index, group, std::move(linears));
      stop.last = group == linear_group::down;
#ifdef __GLIBC__
      if (activations_) ::malloc_trim(0);  // the quantizer needs the memory that was freed
#endif
      if (stop.statistics.n_tokens > 0) visit(stop);
    }
    move_all([&](const calibration_stream &s) { return restored(s).after(block, float_model); },
             nullptr, "model.layers." + std::to_string(index));
  }

  // Visits the experts one after another. The streams are at the stop gate_up and stay there. restored: returns a stream with its
  // inputs in memory.
  void run_experts(model::decoder_block &block, const model::decoder_block *float_model,
                   const mover &restored, const std::function<void(calibration_stop &)> &visit) {
    expert_stops stops(block, float_model, options_, live_.device());
    route_all(block, restored, stops);
    const auto n = static_cast<int64_t>(block.moe.experts.size());
    for (int64_t expert = 0; expert < n; ++expert) {
      for (const auto group : {linear_group::gate_up, linear_group::down}) {
        const model::linear_input input{group, expert};
        auto sums = stops.sums_of(input);
        if (sums.any())
          move_all(
              [&](const calibration_stream &s) {
                const auto whole = restored(s);
                statistics_.around([&] { stops.add(whole, input, sums); });
                return s;
              },
              nullptr, readers(block, input).front()->name);
        auto stop = counted(stops.finish(input, sums));
        stop.last = group == linear_group::down && expert + 1 == n;
        if (stop.statistics.n_tokens > 0) visit(stop);
      }
    }
  }

  // Gives the tokens of every stream to the block's experts, and counts them.
  void route_all(const model::decoder_block &block, const mover &restored, expert_stops &stops) {
    move_all(
        [&](const calibration_stream &s) {
          calibration_stream out = s;
          out.routed = restored(s).route(block).routed;
          return out;
        },
        [&](const calibration_stream &s) { stops.count(s); }, block.moe.router.name);
    experts_.push_back({{"block", block.index},
                        {"policy", expert_policy_name(options_.experts)},
                        {"tokens", stops.counts()}});
  }

  // Visits a block as a whole. First each chunk moves alone through all stops, so that only one
  // chunk's activations are in memory. After the visitor has changed the block, every chunk moves
  // through it once more.
  void run_whole(int64_t index) {
    auto &block = live_.block(index);
    const auto *float_model = float_block(index);
    report(index, "statistics");
    calibration_block seen;
    seen.block = index;
    if (block.has_experts())
      sum_experts(block, float_model, seen);
    else
      sum_stops(block, float_model, {std::begin(k_order), std::end(k_order)}, seen);
    for (const auto &s : streams_)
      if (!s.first_token) seen.streams.push_back(s);
    done_ += 2;
    report(index, "whole");
    options_.visit_block(seen);
    move_all([&](const calibration_stream &s) { return s.across(block, float_model); }, nullptr,
             "model.layers." + std::to_string(index));
  }

  // Takes the statistics of these stops, the first ones of the block; each chunk moves through all of them alone.
  void sum_stops(model::decoder_block &block, const model::decoder_block *float_model,
                 const std::vector<linear_group> &groups, calibration_block &seen) {
    std::vector<stop_sums> sums;
    for (const auto group : groups)
      sums.push_back(sums_for(block.index, group, *readers(block, {group, -1}).front()));
    if (std::any_of(sums.begin(), sums.end(), [](const auto &one) { return one.any(); }))
      move_all(
          [&](const calibration_stream &s) {
            // All stops are computed before anything is added. So if memory runs short in
            // a stop, the sums are unchanged, and the step can be repeated.
            const auto at_stop = through(s, block, float_model, groups);
            for (size_t i = 0; i < at_stop.size(); ++i) add(at_stop[i], sums[i]);
            return s;
          },
          nullptr, "model.layers." + std::to_string(block.index));
    for (size_t i = 0; i < groups.size(); ++i) {
      const model::linear_input input{groups[i], -1};
      seen.stops[input] = finish(sums[i], block.index, groups[i], readers(block, input));
    }
  }

  // The same for a block with experts. Chunks move through it twice, because the policy of an expert depends on its number of tokens.
  void sum_experts(model::decoder_block &block, const model::decoder_block *float_model,
                   calibration_block &seen) {
    const std::vector<linear_group> groups(std::begin(k_order), std::end(k_order) - 1);
    sum_stops(block, float_model, groups, seen);
    expert_stops stops(block, float_model, options_, live_.device());
    const mover at_experts = [&](const calibration_stream &s) {
      return through(s, block, float_model, groups).back();
    };
    route_all(block, at_experts, stops);
    std::vector<std::pair<model::linear_input, stop_sums>> sums;
    for (size_t i = 0; i < block.moe.experts.size(); ++i)
      for (const auto group : {linear_group::gate_up, linear_group::down}) {
        const model::linear_input input{group, static_cast<int64_t>(i)};
        sums.emplace_back(input, stops.sums_of(input));
      }
    if (std::any_of(sums.begin(), sums.end(), [](const auto &one) { return one.second.any(); }))
      move_all(
          [&](const calibration_stream &s) {
            const auto here = at_experts(s);
            for (auto &[input, of] : sums) stops.add(here, input, of);
            return s;
          },
          nullptr, block.moe.router.name);
    for (auto &[input, of] : sums) seen.stops[input] = counted(stops.finish(input, of));
    for (auto &s : streams_) s.routed = nullptr;
  }

  // Returns the stream at each of these stops. This stream must be at the block's start.
  static std::vector<calibration_stream> through(const calibration_stream &s,
                                                 const model::decoder_block &block,
                                                 const model::decoder_block *float_model,
                                                 const std::vector<linear_group> &groups) {
    std::vector<calibration_stream> out;
    for (const auto group : groups)
      out.push_back((out.empty() ? s : out.back()).to_stop(group, block, float_model));
    return out;
  }

  static void add(const calibration_stream &s, stop_sums &sums) {
    if (!sums.any()) return;
    sums.add(s.counted_rows(s.input),
             s.input_float.defined() ? s.counted_rows(s.input_float) : at::Tensor(), s.first_token);
  }

  void run_head(const std::function<void(calibration_stop &)> &visit) {
    auto &head = live_.head();
    auto sums = sums_for(-1, linear_group::head, head);
    move_all(
        [&](const calibration_stream &s) {
          calibration_stream at_head = s;
          at_head.input = live_.final_norm(s.h);
          if (s.h_float.defined())
            at_head.input_float = options_.float_model->final_norm(s.h_float);
          add(at_head, sums);
          return s;
        },
        nullptr, "lm_head");
    auto stop = finish(sums, -1, linear_group::head, {&head});
    visit(stop);
  }

  const model::decoder_block *float_block(int64_t index) const {
    return options_.float_model ? &options_.float_model->block(index) : nullptr;
  }

  stop_sums sums_for(int64_t index, linear_group group, const model::linear_op &linear) {
    const bool wanted = !options_.wanted || options_.wanted(index, {group, -1});
    return stop_sums(linear, wanted ? options_.needs : statistics_needs{},
                     wanted && options_.first_token, live_.device());
  }

  calibration_stop finish(stop_sums &sums, int64_t index, linear_group group,
                          std::vector<model::linear_op *> linears) {
    return counted(sums.finish(index, {group, -1}, std::move(linears)));
  }

  // Notes the rank of the stop's Hessian.
  calibration_stop counted(calibration_stop stop) {
    const int64_t width = stop.linears.front()->in_features();
    const auto tokens = stop.statistics.n_tokens;
    const double ratio = static_cast<double>(tokens) / static_cast<double>(width);
    if (tokens > 0 && (narrowest_ < 0 || ratio < narrowest_))
      narrowest_ = ratio, rank_tokens_ = tokens, rank_width_ = width;
    return stop;
  }

  // Moves every stream one step with `move`, then calls `look` with the moved stream. `look` may write
  // the stream's inputs to the file. A stream for which memory runs out is halved and moved again.
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

  // Replaces stream i by two with half of its sequences each. where: the place that messages name.
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

  void report(int64_t index, const std::string &what) {
    report_progress(options_.progress, done_++, total_,
                    "block " + std::to_string(index + 1) + " " + what);
  }

  model::decoder &live_;
  const calibrate_options &options_;
  std::vector<calibration_stream> streams_;
  size_t n_chunks_ = 0;
  std::unique_ptr<activation_file> activations_;  // null = inputs stay in memory
  int64_t tokens_ = 0;                            // tokens of all streams
  int64_t first_tokens_ = 0, rank_tokens_ = 0, rank_width_ = 0;
  uint64_t done_ = 0, total_ = 0;
  stopwatch forward_, statistics_, spilling_;  // reading the file counts in forward_ too
  json experts_ = json::array();               // tokens of each expert, for each block with experts
  double narrowest_ = -1;                      // smallest tokens / width of any stop; -1 = none yet
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
