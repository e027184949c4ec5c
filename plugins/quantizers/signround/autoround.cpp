// The loop of autoround. Each iteration takes a batch of calibration sequences, computes the weights
// that the learned parameters give, asks the host for the loss of the block and its gradient
// (assay.block/1), and moves the parameters against the sign of the gradient. The parameters with
// the least loss are kept.
#include "autoround.hpp"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdio>
#include <memory>

namespace signround {
namespace {

// Chooses batches with its own random numbers (xorshift64*), so they are the same on every machine.
class shuffler {
 public:
  shuffler(uint64_t seed, int64_t n) : state_(seed | 1) {
    for (int64_t i = 0; i < n; ++i) order_.push_back(i);
  }
  // Returns the next `count` positions of sequences, ascending. Every sequence comes once before any
  // comes again; then the order is shuffled anew.
  std::vector<int64_t> take(int64_t count) {
    std::vector<int64_t> out;
    while (static_cast<int64_t>(out.size()) < count) {
      if (at_ == 0)
        for (size_t i = order_.size(); i > 1; --i) std::swap(order_[i - 1], order_[next() % i]);
      out.push_back(order_[at_]);
      at_ = (at_ + 1) % order_.size();
    }
    std::sort(out.begin(), out.end());
    return out;
  }

 private:
  uint64_t next() {
    state_ ^= state_ >> 12;
    state_ ^= state_ << 25;
    state_ ^= state_ >> 27;
    return state_ * 2685821657736338717u >> 11;
  }
  uint64_t state_;
  std::vector<int64_t> order_;
  size_t at_ = 0;
};

// A quantized linear of the block. weight: what the learned parameters give now; slope: the gradient of
// the loss with respect to `weight`.
struct part {
  const assay_linear *linear;
  const assay_sink *sink;
  std::unique_ptr<parameters> learned;
  assay_cpp::owned_tensor weight, slope;  // [out, in] f32
};

// The weights of all parts as an assay_trial, with which the host runs the block. The vectors hold what
// its pointers refer to.
struct trial_of {
  std::vector<const char *> names;
  std::vector<const assay_tensor *> weights, slopes;
  assay_trial trial{};

  explicit trial_of(const std::vector<part> &parts) {
    for (const auto &p : parts) {
      names.push_back(p.linear->name);
      weights.push_back(&p.weight.view());
      slopes.push_back(&p.slope.view());
    }
    trial.struct_size = sizeof trial;
    trial.scope = ASSAY_SCOPE_BLOCK;
    trial.n_weights = static_cast<uint32_t>(parts.size());
    trial.names = names.data();
    trial.weights = weights.data();
  }
  void choose(const std::vector<int64_t> &sequences) {
    trial.sequences = sequences.data();
    trial.n_sequences = static_cast<int64_t>(sequences.size());
  }
};

// Emits codes, scales, zeros and the note of one linear. claims: more members of the note.
void emit(const assay_cpp::host &host, const grid &g, const parameters &learned,
          assay_cpp::sink sink, const std::string &claims) {
  const int64_t out = learned.out(), in = learned.in();
  const auto cut = g.cut(in);
  auto codes = host.alloc(
      g.symmetric ? assay_cpp::dtype_of<int8_t>() : assay_cpp::dtype_of<uint8_t>(), {out, in});
  auto scales = host.alloc(assay_grid::tensor_dtype(g.stored), {out, cut.count});
  assay_cpp::owned_tensor zeros;
  if (!g.symmetric) zeros = host.alloc(assay_cpp::dtype_of<uint8_t>(), {out, cut.count});
  std::atomic<uint64_t> clamped{0};
  host.parallel_for(out, 16, [&](int64_t begin, int64_t end) {
    clamped += learned.encode(codes.data<uint8_t>(), scales.data<void>(),
                              g.symmetric ? nullptr : zeros.data<uint8_t>(), begin, end);
  });
  assay_grid::tell_clamped(host, clamped);
  const auto bits = static_cast<uint32_t>(g.bits);
  sink.emit("codes", std::move(codes), bits);
  sink.emit("scales", std::move(scales));
  if (!g.symmetric) sink.emit("zeros", std::move(zeros), bits);
  sink.note("{\"format\": \"int/1\", \"bits\": " + std::to_string(g.bits) +
            ", \"group_size\": " + std::to_string(cut.noted()) +
            ", \"symmetric\": " + (g.symmetric ? "true" : "false") + claims + "}");
}

}  // namespace

autoround::autoround(assay_cpp::host host) : host_(host) {
  const assay_cpp::config config(host);
  grid_.bits = static_cast<int>(config.integer("bits"));
  grid_.symmetric = config.flag("symmetric");
  grid_.group_size = config.integer("group_size");
  grid_.stored = assay_grid::scale_dtype_of(config.text("scale_dtype"));
  grid_.searched = config.text("start") == "weighted";
  iterations_ = static_cast<int>(config.integer("iterations"));
  batch_ = config.integer("batch");
  rate_ = config.number("learning_rate");
  range_rate_ = config.number("range_rate");
  learn_ranges_ = config.flag("learn_ranges");
  products_ = config.text("compute") == "bfloat16" ? ASSAY_PRODUCTS_BF16 : ASSAY_PRODUCTS_F32;
}

void autoround::needs(const assay_linear &, assay_needs &out) {
  out.schedule = ASSAY_SCHEDULE_WHOLE_BLOCK | ASSAY_SCHEDULE_BLOCK_LOSS;
  if (grid_.symmetric && grid_.searched) out.statistics = ASSAY_NEED_SQ_MEAN;
}

void autoround::quantize(const assay_linear &, const assay_stats *, assay_cpp::sink) {
  throw assay_cpp::failure(ASSAY_UNSUPPORTED, "autoround works on whole blocks");
}

void autoround::quantize_block(const assay_block &block, const assay_stats *const *stats,
                               const assay_sink *const *sinks) {
  const auto &runner = host_.require<assay_block_runner>(ASSAY_EXT_BLOCK);
  int64_t sequences = 0;
  assay_cpp::pass_on(runner.n_sequences(host_.table(), &block, &sequences));
  std::vector<part> parts;
  for (uint32_t i = 0; i < block.n_linears; ++i) {
    if (!sinks[i]) continue;  // this linear stays in float
    const auto &linear = *block.linears[i];
    const auto w = assay_cpp::matrix_of<const float>(linear.weight, "the weight");
    assay_cpp::require_finite(w);
    const bool has = stats && stats[i] && stats[i]->sq_mean;
    const auto m =
        has ? assay_cpp::matrix_of<const float>(stats[i]->sq_mean, "mean x^2").data : nullptr;
    part p{&linear, sinks[i], nullptr, {}, {}};
    p.learned = std::make_unique<parameters>(grid_, w.data, m, w.rows, w.columns);
    p.weight = host_.alloc(assay_cpp::dtype_of<float>(), {w.rows, w.columns});
    p.slope = host_.alloc(assay_cpp::dtype_of<float>(), {w.rows, w.columns});
    parts.push_back(std::move(p));
  }
  trial_of tried(parts);
  tried.trial.products = products_;
  shuffler batches(host_.seed("batches"), sequences);
  const double rate = rate_ > 0 ? rate_ : 1.0 / std::max(1, iterations_);
  const double range_rate = !learn_ranges_ ? 0.0 : range_rate_ > 0 ? range_rate_ : rate;
  double least = INFINITY, first = 0;
  int best = 0;
  for (int i = 0; i < iterations_; ++i) {
    host_.progress(static_cast<uint64_t>(i), static_cast<uint64_t>(iterations_), "iterations");
    const auto chosen = batches.take(std::min(batch_, sequences));
    tried.choose(chosen);
    for (auto &p : parts)
      host_.parallel_for(p.learned->out(), 16, [&](int64_t begin, int64_t end) {
        p.learned->weight(p.weight.data<float>(), begin, end);
      });
    double loss = 0;
    assay_cpp::pass_on(
        runner.gradient(host_.table(), &block, &tried.trial, &loss, tried.slopes.data()));
    if (i == 0) first = loss;
    if (loss < least) {
      least = loss, best = i;
      for (auto &p : parts) p.learned->remember();
    }
    const double left = 1.0 - static_cast<double>(i) / iterations_;  // rates fall linearly to 0
    for (auto &p : parts)
      host_.parallel_for(p.learned->out(), 16, [&](int64_t begin, int64_t end) {
        p.learned->step(p.slope.data<float>(), static_cast<float>(rate * left),
                        static_cast<float>(range_rate * left), begin, end);
      });
  }
  char claims[160];
  std::snprintf(claims, sizeof claims,
                ", \"first_loss\": %.9g, \"best_loss\": %.9g, \"best_iteration\": %d", first, least,
                best);
  for (auto &p : parts) {
    p.learned->recall();
    emit(host_, grid_, *p.learned, assay_cpp::sink(p.sink), claims);
  }
}

void autoround::dequantize(const assay_form &form, const assay_tensor &out) {
  const auto *codes = assay_cpp::find(form, "codes"), *scales = assay_cpp::find(form, "scales"),
             *zeros = assay_cpp::find(form, "zeros");
  if (!codes || !scales || (zeros == nullptr) != grid_.symmetric)
    throw assay_cpp::failure(ASSAY_INVALID_ARGUMENT, "not a form that autoround made");
  const auto to = assay_cpp::matrix_of<float>(&out, "the output");
  const int64_t groups = scales->shape[1], size = grid_.cut(to.columns).size;
  const auto *bytes = static_cast<const uint8_t *>(codes->data) + codes->byte_offset;
  const auto *zero_bytes =
      zeros ? static_cast<const uint8_t *>(zeros->data) + zeros->byte_offset : nullptr;
  host_.parallel_for(to.rows, 16, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin * to.columns; i < end * to.columns; ++i) {
      const int64_t at = i / to.columns * groups + i % to.columns / size;
      const int code = zeros ? bytes[i] : static_cast<int8_t>(bytes[i]);
      to.data[i] = static_cast<float>(code - (zeros ? zero_bytes[at] : 0)) *
                   assay_grid::read_scale(*scales, at);
    }
  });
}

void autoround::estimate(const assay_linear &linear, assay_estimate &out) {
  const double rows = static_cast<double>(linear.out_features);
  const double columns = static_cast<double>(linear.in_features);
  const double scale_bits = assay_grid::scale_bits(grid_.stored);
  out.packed_bits =
      rows * (columns * grid_.bits + static_cast<double>(grid_.cut(linear.in_features).count) *
                                         (scale_bits + (grid_.symmetric ? 0 : grid_.bits)));
  out.scratch_bytes = static_cast<uint64_t>(rows * columns * 20);
}

}  // namespace signround
