// Runs trials: forward passes of a block with candidate weights. A trial runs on a few sequences at a
// time (a piece), because autograd keeps the activations of a piece in memory. Squares are summed
// in f64, so that candidates with nearly the same loss can be told apart.
#include "quant/views/block_runner.hpp"

#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <cmath>

#include "core/cancel.hpp"
#include "core/error.hpp"
#include "kernels/autograd_linear.hpp"
#include "kernels/matmul.hpp"
#include "model/decoder_layout.hpp"
#include "plug/bridge.hpp"
#include "plug/services.hpp"

namespace assay::quant {
namespace {

// The most tokens of a piece. A sequence with more tokens is a piece of its own.
constexpr int64_t k_tokens = 4096;

error misuse(const std::string &text) {
  return error(error_kind::usage, text);
}

// Finds the weight of a linear or a norm of the block by its name. Throws error(usage)
// if there is none.
at::Tensor &find_weight(model::decoder_block &block, const std::string &name) {
  for (auto *linear : block.linears())
    if (linear->name == name) return linear->weight;
  const auto last = name.substr(name.rfind('.') + 1);
  for (const model::norm_layout &norm : model::norms_of(block))
    if (model::feeds_linears(norm) && last == norm.module) return block.*norm.part;
  throw misuse("the block has no linear or norm '" + name + "'");
}

// A block with a trial's weights in place.
struct candidate {
  model::decoder_block block;
  std::vector<at::Tensor> leaves;  // f32, one for each weight of the trial
};

candidate make_candidate(model::decoder_block block, const assay_trial &trial, bool with_gradient) {
  candidate made{std::move(block), {}};
  for (uint32_t i = 0; i < trial.n_weights; ++i) {
    auto &place = find_weight(made.block, trial.names[i]);
    at::Tensor leaf = plug::borrow(*trial.weights[i]);
    if (leaf.sizes() != place.sizes())
      throw misuse(std::string("the trial's '") + trial.names[i] + "' has another shape");
    leaf = leaf.detach();
    if (with_gradient) leaf.requires_grad_(true);
    made.leaves.push_back(leaf);
    place = leaf.to(place.options());
  }
  return made;
}

at::Tensor attention_output(const model::decoder_block &block, const at::Tensor &h,
                            const model::forward_context &context) {
  return block.o(block.attention(block.attention_input(h), context));
}

at::Tensor mlp_output(const model::decoder_block &block, const at::Tensor &middle) {
  return block.mlp(block.mlp_input(middle));
}

// True if the group of channels belongs to attention, false if to the MLP. The role of the first
// linear that reads the channels (a consumer) tells.
bool is_attention(const assay_block &block, uint32_t group) {
  if (group >= block.n_groups) throw misuse("the trial's group is no group of the block");
  const auto &asked = *block.groups[group];
  if (asked.n_consumers == 0) throw misuse("the trial's group has no consumer");
  return std::string(asked.consumers[0]->role).rfind("attn.", 0) == 0;
}

// True if the trial asks for products in bfloat16. Throws error(usage) if the kind of products is
// unknown or this processor lacks them.
bool narrow_products(const assay_trial &trial) {
  if (!ASSAY_HAS(&trial, products)) return false;
  if (trial.products > ASSAY_PRODUCTS_BF16) throw misuse("the trial's products are unknown");
  if (!model::has_narrow_linear())
    throw misuse("this processor has no products in bfloat16; choose float32");
  return true;
}

at::Tensor counted_rows(const at::Tensor &y, const at::Tensor &counted) {
  const auto flat = y.reshape({-1, y.size(-1)});
  return counted.defined() ? flat.index_select(0, counted) : flat;
}

}  // namespace

runner_source source_of(const model::decoder &decoder, const model::decoder_block &block,
                        const std::vector<calibration_stream> &streams,
                        const model::decoder *float_model) {
  runner_source source;
  source.now = [&block] { return block; };
  source.before = block;
  source.context = [&decoder](int64_t rows, int64_t tokens) {
    return decoder.context(rows, tokens);
  };
  for (const auto &s : streams) {
    runner_chunk chunk{s.h, {}, s.counted};
    if (s.h_float.defined())
      chunk.target = float_model->block(block.index).forward(s.h_float, s.context);
    source.chunks.push_back(std::move(chunk));
  }
  return source;
}

struct block_runner::piece {
  size_t chunk;
  at::Tensor rows;     // [n] int64; undefined = all rows of the chunk
  at::Tensor counted;  // within the piece; undefined = all
  at::Tensor of(const at::Tensor &whole) const {
    return rows.defined() ? whole.index_select(0, rows) : whole;
  }
};

block_runner::block_runner(runner_source source) : source_(std::move(source)) {
  for (size_t i = 0; i < source_.chunks.size(); ++i)
    for (int64_t row = 0; row < source_.chunks[i].h.size(0); ++row) places_.push_back({i, row});
}

// Cuts the sequences that a trial asks for into pieces, and finds the counted tokens of each piece.
std::vector<block_runner::piece> block_runner::pieces_of(const assay_trial &trial) const {
  std::map<size_t, std::vector<int64_t>> rows;  // by chunk
  const auto total = n_sequences();
  const bool listed = ASSAY_HAS(&trial, sequences);
  const int64_t n = listed || trial.n_sequences ? trial.n_sequences : total - trial.first_sequence;
  for (int64_t i = 0; i < n; ++i) {
    const int64_t at = listed ? trial.sequences[i] : trial.first_sequence + i;
    if (at < 0 || at >= total)
      throw misuse("sequence " + std::to_string(at) + " of " + std::to_string(total));
    const auto &found = places_[static_cast<size_t>(at)];
    rows[found.chunk].push_back(found.row);
  }
  std::vector<piece> out;
  for (auto &[index, wanted] : rows) {
    const auto &chunk = source_.chunks[index];
    const int64_t tokens = chunk.h.size(1);
    const auto step = static_cast<size_t>(std::max<int64_t>(1, k_tokens / tokens));
    for (size_t first = 0; first < wanted.size(); first += step) {
      const auto last = std::min(wanted.size(), first + step);
      piece p{index, {}, {}};
      p.rows = at::tensor(std::vector<int64_t>(wanted.begin() + static_cast<int64_t>(first),
                                               wanted.begin() + static_cast<int64_t>(last)),
                          at::kLong)
                   .to(chunk.h.device());
      if (chunk.counted.defined()) {
        auto flags = at::zeros({chunk.h.size(0) * tokens}, chunk.counted.options());
        flags.index_fill_(0, chunk.counted, 1);
        p.counted = flags.view({-1, tokens}).index_select(0, p.rows).flatten().nonzero().flatten();
      }
      out.push_back(std::move(p));
    }
  }
  return out;
}

at::Tensor block_runner::input_of(const piece &p, uint32_t scope, bool attention) {
  const auto &h = source_.chunks[p.chunk].h;
  if (scope == ASSAY_SCOPE_BLOCK || attention) return p.of(h);
  auto &middle = middle_[p.chunk];
  if (!middle.defined()) {  // from the float block: edits do not change what a block computes
    const auto context = source_.context(h.size(0), h.size(1));
    const auto &block = source_.before;
    middle = block.after_attention(h, block.attention(block.attention_input(h), context));
  }
  return p.of(middle);
}

at::Tensor block_runner::target_of(const piece &p, uint32_t scope, bool attention) {
  auto &chunk = source_.chunks[p.chunk];
  if (scope == ASSAY_SCOPE_BLOCK) {
    if (!chunk.target.defined())
      chunk.target =
          source_.before.forward(chunk.h, source_.context(chunk.h.size(0), chunk.h.size(1)));
    return p.of(chunk.target);
  }
  auto &target = (attention ? attention_target_ : mlp_target_)[p.chunk];
  if (!target.defined()) {
    const piece whole{p.chunk, {}, {}};
    const auto input = input_of(whole, scope, attention);
    target = attention ? attention_output(source_.before, input,
                                          source_.context(input.size(0), input.size(1)))
                       : mlp_output(source_.before, input);
  }
  return p.of(target);
}

// Runs the pieces of a trial one after another, and adds up squared distances and gradients. At the end
// both are divided by the number of values.
double block_runner::loss(const assay_block &block, const assay_trial &trial,
                          const assay_tensor *const *gradients) {
  const at::NoGradGuard no_grad;
  if (trial.scope > ASSAY_SCOPE_PARENT) throw misuse("the trial's scope is unknown");
  const bool parent = trial.scope == ASSAY_SCOPE_PARENT;
  const model::narrow_gradients narrow(narrow_products(trial) && gradients);
  const bool attention = parent && is_attention(block, trial.group);
  const auto tried = [&] {
    const at::AutoGradMode mode(gradients != nullptr);  // records the cast to the model's dtype
    return make_candidate(source_.now(), trial, gradients != nullptr);
  }();
  double sum = 0, count = 0;
  for (const auto &p : pieces_of(trial)) {
    throw_if_cancelled();
    const auto input = input_of(p, trial.scope, attention);
    const auto target = counted_rows(target_of(p, trial.scope, attention), p.counted);
    const auto context = source_.context(input.size(0), input.size(1));
    const at::AutoGradMode mode(gradients != nullptr);
    const auto run = [&] {
      if (!parent) return tried.block.forward(input, context);
      return attention ? attention_output(tried.block, input, context)
                       : mlp_output(tried.block, input);
    };
    const auto squares = (counted_rows(run(), p.counted) - target).square().sum(at::kDouble);
    sum += squares.item<double>();
    count += static_cast<double>(target.numel());
    if (gradients) squares.backward();
  }
  if (count == 0) throw misuse("the trial's sequences have no counted token");
  for (uint32_t i = 0; gradients && i < trial.n_weights; ++i) {
    const auto grad = tried.leaves[i].grad();
    auto out = plug::borrow(*gradients[i]);
    if (grad.defined())
      out.copy_(grad).mul_(1.0 / count);
    else
      out.zero_();
  }
  return sum / count;
}

at::Tensor block_runner::fake_quantize(const std::string &linear, const at::Tensor &weight) const {
  if (!source_.fake_quantize) throw misuse("the recipe has no quantizer to try");
  return source_.fake_quantize(linear, weight);
}

namespace {

block_runner *runner_of(const assay_block *block) {
  if (!block || !block->handle)
    throw misuse("the block has no handle: ask for ASSAY_SCHEDULE_BLOCK_LOSS");
  return static_cast<block_runner *>(const_cast<void *>(block->handle));
}

// Turns exceptions into a status, because no exception may cross into a plugin. host->fail gets the
// reason as a text, unless the run was cancelled.
template <class Body>
int32_t guarded(const assay_host *host, const char *verb, Body &&body) noexcept {
  const auto refuse = [&](int32_t status, const std::string &text) {
    return host->fail(host->ctx, status, (std::string(verb) + ": " + text).c_str());
  };
  try {
    return body();
  } catch (const error &problem) {
    if (problem.kind() == error_kind::cancelled) return ASSAY_CANCELLED;
    return refuse(problem.kind() == error_kind::usage ? ASSAY_INVALID_ARGUMENT : ASSAY_INTERNAL,
                  problem.what());
  } catch (const std::bad_alloc &) {
    return refuse(ASSAY_OUT_OF_MEMORY, "not enough memory");
  } catch (const std::exception &problem) {
    const std::string text = problem.what();
    return refuse(ASSAY_INTERNAL, text.substr(0, text.find('\n')));
  }
}

int32_t n_sequences(const assay_host *host, const assay_block *block, int64_t *out) noexcept {
  return guarded(host, "n_sequences", [&] {
    *out = runner_of(block)->n_sequences();
    return ASSAY_OK;
  });
}

int32_t run_trial(const assay_host *host, const char *verb, const assay_block *block,
                  const assay_trial *trial, double *out, const assay_tensor *const *gradients) {
  return guarded(host, verb, [&] {
    const double found = runner_of(block)->loss(*block, *trial, gradients);
    if (!std::isfinite(found))
      return host->fail(host->ctx, ASSAY_NUMERICAL, "the block's output is not finite");
    *out = found;
    return ASSAY_OK;
  });
}

int32_t loss(const assay_host *host, const assay_block *block, const assay_trial *trial,
             double *out) noexcept {
  return run_trial(host, "loss", block, trial, out, nullptr);
}

int32_t gradient(const assay_host *host, const assay_block *block, const assay_trial *trial,
                 double *out, const assay_tensor *const *gradients) noexcept {
  return run_trial(host, "gradient", block, trial, out, gradients);
}

int32_t fake_quantize(const assay_host *host, const assay_block *block, const char *linear,
                      const assay_tensor *weight, const assay_tensor *out) noexcept {
  return guarded(host, "fake_quantize", [&] {
    auto to = plug::borrow(*out);
    to.copy_(runner_of(block)->fake_quantize(linear, plug::borrow(*weight)));
    return ASSAY_OK;
  });
}

}  // namespace

const assay_block_runner &block_runner_table() {
  static const assay_block_runner table = [] {
    assay_block_runner made{};
    made.struct_size = sizeof made;
    made.n_sequences = n_sequences;
    made.loss = loss;
    made.gradient = gradient;
    made.fake_quantize = fake_quantize;
    return made;
  }();
  return table;
}

}  // namespace assay::quant
