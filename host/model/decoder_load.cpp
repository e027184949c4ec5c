// Loads a decoder from a checkpoint: finds every tensor, checks its shape, and converts it if its
// dtype differs from the wanted one.
#include <malloc.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include <ATen/core/grad_mode.h>
#include "core/error.hpp"

#include "model/decoder.hpp"
#include "model/decoder_layout.hpp"
#include "model/device.hpp"
#include "model/required_tensors.hpp"
#include "packed/pack_weight.hpp"

namespace assay::model {
namespace {

// Returns RoPE's inverse frequencies, [head_dim / 2] fp32, by transformers' formula and in its order
// of operations (checkpoint/FORMATS.md, "RoPE scaling").
at::Tensor inverse_frequencies(const rope_config &rope, int64_t head_dim) {
  const at::Tensor exponent = at::arange(0, head_dim, 2, at::kLong).to(at::kFloat) / head_dim;
  at::Tensor base = at::pow(rope.theta, exponent).reciprocal();
  if (rope.type == "default") return base;
  if (rope.type == "linear") return base / rope.factor;
  const double original = static_cast<double>(rope.original_max_positions);
  const double low_wavelength = original / rope.low_freq_factor,
               high_wavelength = original / rope.high_freq_factor;
  const at::Tensor wavelength = 2 * std::numbers::pi / base;
  const at::Tensor slow = at::where(wavelength > low_wavelength, base / rope.factor, base);
  const at::Tensor smooth = (original / wavelength - rope.low_freq_factor) /
                            (rope.high_freq_factor - rope.low_freq_factor);
  const at::Tensor between = (1 - smooth) * slow / rope.factor + smooth * slow;
  const at::Tensor is_between =
      (wavelength >= high_wavelength).logical_and(wavelength <= low_wavelength);
  return at::where(is_between, between, slow);
}

const std::string k_weight = ".weight";
constexpr int k_kept = 32 << 20;  // bytes; glibc keeps the memory of freed tensors up to this size
// The same limit for a decoder on demand, for which peak memory matters more. The memory of larger
// tensors goes back to the system at once, that of smaller ones after each block (let_go).
constexpr int k_kept_on_demand = 5 << 20;

std::string shape_text(at::IntArrayRef shape) {
  std::string text;
  for (const int64_t extent : shape) text += (text.empty() ? "" : ", ") + std::to_string(extent);
  return "[" + text + "]";
}

// Lets glibc keep freed memory of up to `most` bytes in one piece. Every block makes and frees
// activations of some megabytes; without this, their pages would go back to the system and be
// fetched again each time.
void keep_freed_activations(int most) {
#ifdef __GLIBC__
  ::mallopt(M_MMAP_THRESHOLD, most);
  ::mallopt(M_TRIM_THRESHOLD, 8 * most);
#endif
}

}  // namespace

class decoder_loader {
 public:
  decoder_loader(const checkpoint &source, const load_options &options, bool values = true)
      : source_(source),
        options_(options),
        device_(open_device(options.device)),
        values_(values && !options.packed) {
    if (options.packed && (options.dtype != at::kFloat || !device_.is_cpu()))
      throw error(error_kind::usage, "packed weights compute in float32 on the CPU")
          .hint("Leave dtype and device out, or do not ask for packed weights");
  }

  decoder run() {
    decoder_config &c = out_.config_;
    c = read_decoder_config(source_);
    check_layers(c);
    require_tensors(c, source_);
    out_.embedding_ = take(k_embedding_name + k_weight, {c.vocab_size, c.hidden_size});
    for (int64_t i = 0; i < c.n_layers; ++i) out_.blocks_.push_back(block(c, i));
    out_.norm_ = take(k_final_norm_name + k_weight, {c.hidden_size});
    out_.head_.name = out_.head_.role = k_head_name;
    out_.head_.weight =
        c.tied ? out_.embedding_ : take(k_head_name + k_weight, {c.vocab_size, c.hidden_size});
    if (options_.packed) pack_outer();
    out_.inverse_frequencies_ = inverse_frequencies(c.rope, c.head_dim);
    if (std::find(c.ropes.begin(), c.ropes.end(), rope_choice::local) != c.ropes.end())
      out_.local_frequencies_ = inverse_frequencies(c.local_rope, c.head_dim);
    return std::move(out_);
  }

  static decoder run_on_demand(const std::shared_ptr<const checkpoint> &source,
                               const load_options &options) {
    decoder out = decoder_loader(*source, options, false).run();
    out.read_block_ = [source, options, config = out.config_](int64_t i) {
      return decoder_loader(*source, options).block(config, i);
    };
    for (const char *name : {k_embedding_name, k_head_name})
      out.read_outer_weight_from(name, {source, &source->tensors()});
    out.give_back_ = [source](const std::string &name) { source->tensors().give_back(name); };
    return out;
  }

 private:
  // Refuses weights with more layers than the config says, because the config is then wrong.
  // require_tensors finds missing layers.
  void check_layers(const decoder_config &c) const {
    const std::string next = block_prefix(c.n_layers) + norms_of(c)[0].module + k_weight;
    if (source_.tensors().has(next))
      throw error(error_kind::failed, "config.json says " + std::to_string(c.n_layers) +
                                          " layers, but the weights have more")
          .at(source_.path())
          .hint("Copy the original config.json");
  }

  at::Tensor take(const std::string &name, at::IntArrayRef shape) const {
    const tensor_info *info = source_.tensors().find(name);
    if (info == nullptr)
      throw error(error_kind::failed, "the weights lack the tensor '" + name + "'")
          .at(source_.path());
    if (at::IntArrayRef(info->shape) != shape)
      throw error(error_kind::failed, "tensor '" + name + "' has the shape " +
                                          shape_text(info->shape) + ", but the config asks for " +
                                          shape_text(shape))
          .at(source_.path());
    if (!at::isFloatingType(info->dtype))
      throw error(error_kind::failed,
                  "tensor '" + name + "' holds " + info->stored + ", not floats")
          .at(source_.path());
    if (!values_ && shape.size() == 2)  // norms and biases are small, so they are always read
      return at::empty(shape, at::TensorOptions().dtype(options_.dtype).device(at::kMeta));
    return source_.tensors().tensor_as(name, options_.dtype).to(device_);
  }

  linear_op linear(int64_t i, const layer_linear &layout) const {
    linear_op op;
    op.name = block_prefix(i) + layout.module;
    op.role = layout.role;
    op.block = i;
    op.group = layout.group;
    op.expert = layout.expert;
    op.weight = take(op.name + k_weight, {layout.out, layout.in});
    if (layout.bias)
      op.bias = take(op.name + ".bias", {layout.out});
    else if (source_.tensors().has(op.name + ".bias"))
      throw error(error_kind::failed,
                  "the weights have '" + op.name + ".bias', which the config does not ask for")
          .at(source_.path());
    return op;
  }

  std::shared_ptr<const packed_weight> pack(const std::string &module) {
    std::string told;
    auto packed = pack_weight(source_, module, &told);
    if (!told.empty()) out_.told_.push_back(told);
    return packed;
  }

  // Packs the embedding, the head and all linears.
  void pack_outer() {
    out_.packed_embedding_ = pack(k_embedding_name);
    out_.head_.packed = out_.config_.tied ? out_.packed_embedding_ : pack(k_head_name);
    for (linear_op *op : out_.linears()) op->packed = pack(op->name);
#ifdef __GLIBC__
    ::malloc_trim(0);  // returns the memory of unpacked codes
#endif
  }

  decoder_block block(const decoder_config &c, int64_t i) const {
    decoder_block b;
    b.index = i;
    b.first_linear = first_linear_of(c, i);
    b.window = c.windows[static_cast<size_t>(i)];
    b.n_heads = c.n_heads;
    b.n_kv_heads = c.n_kv_heads;
    b.head_dim = c.head_dim;
    b.eps = c.rms_norm_eps;
    b.norm_offset = c.norm_offset;
    b.norm_places = c.norms;
    b.act = c.act;
    b.rope = c.ropes[static_cast<size_t>(i)];
    b.score_factor = c.score_factor;
    b.score_cap = c.score_cap;
    b.residual_factor = c.residual_factor;
    b.qkv_clip = c.qkv_clip;
    if (c.has_experts(i)) {
      b.moe.experts.resize(static_cast<size_t>(c.experts.count));
      b.moe.per_token = c.experts.per_token;
      b.moe.normalized = c.experts.normalized;
      b.moe.act = c.act;
    }
    for (const norm_layout &norm : norms_of(c))
      b.*norm.part = take(block_prefix(i) + norm.module + k_weight, {width_of(c, norm.size)});
    for (const layer_linear &layout : linears_of(c, i)) layout.part(b) = linear(i, layout);
    return b;
  }

  const checkpoint &source_;
  const load_options options_;
  at::Device device_;
  bool values_;  // false: matrices get shapes without values (a decoder on demand or packed)
  decoder out_;
};

decoder decoder::load(const checkpoint &source, const load_options &options) {
  const at::NoGradGuard no_grad;
  keep_freed_activations(k_kept);
  return decoder_loader(source, options).run();
}

decoder decoder::load_on_demand(const std::shared_ptr<const checkpoint> &source,
                                const load_options &options) {
  const at::NoGradGuard no_grad;
  keep_freed_activations(k_kept_on_demand);
  return decoder_loader::run_on_demand(source, options);
}

}  // namespace assay::model
