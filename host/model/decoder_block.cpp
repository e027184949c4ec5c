// Computes the steps of a block as tensor operations, in the order of transformers' plain
// ("eager") code. In fp32 on the CPU without a gradient, fused loops replace them
// (checkpoint/FORMATS.md, "Decoder families").
#include "model/decoder_block.hpp"

#include <ATen/Parallel.h>
#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "kernels/attention.hpp"
#include "kernels/autograd_attention.hpp"
#include "kernels/fused_loops.hpp"
#include "kernels/threads.hpp"
#include "model/gated_hidden.hpp"

namespace assay::model {
namespace {

// Returns the least number of rows for one thread, so that a small input stays on one thread.
int64_t grain(int64_t width) {
  return std::max<int64_t>(1, 32768 / width);
}

// Normalizes each row by its root mean square and multiplies it by offset + weight. As in
// transformers, the mean is computed in fp32. Without an offset the product with the weight is
// computed in the model's dtype, with one in fp32.
at::Tensor rms_norm(const at::Tensor &x, const at::Tensor &weight, double eps, double offset) {
  if (!runs_fused(x) || weight.scalar_type() != at::kFloat) {
    const at::Tensor wide = x.to(at::kFloat);
    const at::Tensor variance = wide.pow(2).mean(-1, true);
    const at::Tensor even = wide * at::rsqrt(variance + eps);
    if (offset != 0) return (even * (weight.to(at::kFloat) + offset)).to(x.scalar_type());
    return weight * even.to(x.scalar_type());
  }
  at::Tensor y = at::empty_like(x);
  const int64_t width = x.size(-1), rows = x.numel() / width;
  const float *in = x.const_data_ptr<float>(), *w = weight.const_data_ptr<float>();
  float *out = y.mutable_data_ptr<float>();
  parallel_for(0, rows, grain(width), [&](int64_t begin, int64_t end) {
    kernels::rms_norm(in + begin * width, w, out + begin * width, end - begin, width,
                      static_cast<float>(eps), static_cast<float>(offset));
  });
  return y;
}

// Normalizes q or k, [rows, tokens, heads, head_dim]. The norm has weights for one head or for all.
at::Tensor head_norm(const at::Tensor &x, const at::Tensor &weight, double eps, double offset) {
  if (weight.size(0) == x.size(3)) return rms_norm(x, weight, eps, offset);
  return rms_norm(x.flatten(2), weight, eps, offset).view(x.sizes());
}

// Rotates the channel pairs of x, [rows, tokens, heads, head_dim], by their angles (RoPE). It may
// change x in place, so use only the result.
at::Tensor turn(at::Tensor x, const rope_angles &angles) {
  const int64_t half = x.size(3) / 2, heads = x.size(2);
  if (!runs_fused(x)) {
    const at::Tensor cos = angles.cos.unsqueeze(2), sin = angles.sin.unsqueeze(2);
    const at::Tensor low = x.narrow(3, 0, half), high = x.narrow(3, half, half);
    return at::cat({low * cos - high * sin, high * cos + low * sin}, 3);
  }
  float *data = x.mutable_data_ptr<float>();
  const float *cos = angles.cos.const_data_ptr<float>(), *sin = angles.sin.const_data_ptr<float>();
  const int64_t tokens = x.size(1), width = heads * 2 * half,
                positions = angles.cos.size(0) * angles.cos.size(1);
  parallel_for(0, x.size(0) * tokens, grain(width), [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) {
      // The angles have one row that serves all rows of x, or one row for each row of x. The
      // remainder finds the right position in both cases.
      const int64_t position = row % positions;
      kernels::rope(data + row * width, cos + position * half, sin + position * half, heads, half);
    }
  });
  return x;
}

// Copies the segment's new keys (or values) into `store`, a tensor of the cache, token by token: for
// few tokens a tensor operation costs more than the copy itself.
void store_rows(at::Tensor &store, const at::Tensor &fresh, const attention_segment &s) {
  const key_place &own = s.keys.back();
  const int64_t first = own.first + own.count - s.tokens, d = fresh.size(3);
  float *to =
      store.mutable_data_ptr<float>() + own.slot * store.stride(0) + first * store.stride(2);
  const float *from =
      fresh.const_data_ptr<float>() + s.row * fresh.stride(0) + s.first * fresh.stride(2);
  for (int64_t head = 0; head < fresh.size(1); ++head)
    for (int64_t t = 0; t < s.tokens; ++t)
      std::copy_n(from + head * fresh.stride(1) + t * fresh.stride(2), d,
                  to + head * store.stride(1) + t * store.stride(2));
}

// Writes the new keys (or values), [rows, kv_heads, tokens, head_dim], into the cache. Those of a
// segment go to the end of its last key_place (a range of a slot).
void store_fresh(at::Tensor &store, const at::Tensor &fresh, const forward_context &context) {
  const bool plain = fresh.is_cpu() && fresh.scalar_type() == at::kFloat && fresh.stride(3) == 1 &&
                     store.scalar_type() == at::kFloat && !fresh.requires_grad();
  for (const attention_segment &s : context.segments) {
    if (plain && s.tokens <= 16) {
      store_rows(store, fresh, s);
      continue;
    }
    const key_place &own = s.keys.back();
    store.select(0, own.slot)
        .narrow(1, own.first + own.count - s.tokens, s.tokens)
        .copy_(fresh.select(0, s.row).narrow(1, s.first, s.tokens));
  }
}

// Rounds the new keys and values, [rows, kv_heads, tokens, head_dim], and writes their codes to the end of each segment's last key_place.
void store_codes(const forward_context &context, int64_t layer, const at::Tensor &key,
                 const at::Tensor &value) {
  kv_cache &cache = *context.cache;
  const int64_t heads = key.size(1);
  for (const attention_segment &s : context.segments) {
    const key_place &own = s.keys.back();
    const int64_t first = own.first + own.count - s.tokens;
    const auto store = [&](coded_store &to, const at::Tensor &fresh, int64_t head) {
      const float *rows = fresh.const_data_ptr<float>() + s.row * fresh.stride(0) +
                          head * fresh.stride(1) + s.first * fresh.stride(2);
      cache.encode(to, own.slot, head, first, rows, fresh.stride(2), s.tokens);
    };
    parallel_for(0, heads, grain(2 * s.tokens * key.size(3)), [&](int64_t begin, int64_t end) {
      for (int64_t head = begin; head < end; ++head) {
        store(cache.key_codes(layer), key, head);
        store(cache.value_codes(layer), value, head);
      }
    });
  }
}

// Returns the keys (or values) that each row has in the cache, [rows, kv_heads, span, head_dim]. If
// a row has fewer keys than `span`, other data stand at its end; the mask hides them.
at::Tensor stored(const at::Tensor &store, const forward_context &context) {
  const int64_t first = context.slots[0];
  bool consecutive = true;
  for (int64_t r = 0; r < context.rows; ++r)
    consecutive &= context.slots[static_cast<size_t>(r)] == first + r;
  if (consecutive) return store.narrow(0, first, context.rows).narrow(2, 0, context.span);
  const at::Tensor index = at::tensor(context.slots, at::kLong).to(store.device());
  return store.narrow(2, 0, context.span).index_select(0, index);
}

}  // namespace

std::optional<at::Tensor> forward_context::mask(int64_t window) const {
  const bool plain_causal = span == tokens && (window == 0 || span <= window);
  const bool one_query = tokens == 1 && even;
  if (plain_causal || one_query) return std::nullopt;
  for (const auto &[size, tensor] : masks_)
    if (size == window) return tensor;
  const at::Tensor query = positions.unsqueeze(2), key = at::arange(span, at::kLong);
  at::Tensor hidden = key > query;
  if (window > 0) hidden = hidden.logical_or(key <= query - window);
  const at::Tensor made = at::zeros(hidden.sizes(), angles.cos.scalar_type())
                              .masked_fill(hidden, -std::numeric_limits<double>::infinity())
                              .unsqueeze(1);
  masks_.emplace_back(window, made.to(angles.cos.device()));
  return masks_.back().second;
}

at::Tensor decoder_block::attention_input(const at::Tensor &h) const {
  return attention_norm.defined() ? rms_norm(h, attention_norm, eps, norm_offset) : h;
}

// Computes q, k and v, normalizes q and k if the family does, rotates them, and writes new keys and
// values into the cache. Then it attends by the first way that takes these tensors: fused tiles,
// panels with a gradient, or LibTorch's attention with a mask.
at::Tensor decoder_block::attention(const at::Tensor &x, const forward_context &context) const {
  const int64_t rows = context.rows, tokens = context.tokens;
  const std::vector<at::Tensor> projected = results_of({&q, &k, &v}, x);
  at::Tensor query = projected[0].view({rows, tokens, n_heads, head_dim});
  at::Tensor key = projected[1].view({rows, tokens, n_kv_heads, head_dim});
  at::Tensor value = projected[2].view({rows, tokens, n_kv_heads, head_dim}).transpose(1, 2);
  if (q_norm.defined()) {
    query = head_norm(query, q_norm, eps, norm_offset);
    key = head_norm(key, k_norm, eps, norm_offset);
  }
  if (qkv_clip > 0) {  // after the norms and before RoPE (OLMoE, OlmoeAttention)
    query = query.clamp(-qkv_clip, qkv_clip);
    key = key.clamp(-qkv_clip, qkv_clip);
    value = value.clamp(-qkv_clip, qkv_clip);
  }
  if (rope != rope_choice::none) {
    const rope_angles &angles = rope == rope_choice::local ? context.local_angles : context.angles;
    query = turn(query, angles);
    key = turn(key, angles);
  }
  query = query.transpose(1, 2);
  key = key.transpose(1, 2);
  if (context.cache != nullptr && context.cache->has_codes()) {
    store_codes(context, index, key, value);
    return attend_codes(query, context.cache->key_codes(index), context.cache->value_codes(index),
                        context.segments, window, score_factor, score_cap);
  }
  if (context.on_kv) context.on_kv(index, key, value);
  const bool capped = score_cap > 0;  // LibTorch's attention has no cap
  if (context.cache != nullptr) {
    at::Tensor &keys = context.cache->keys(index), &values = context.cache->values(index);
    store_fresh(keys, key, context);
    store_fresh(values, value, context);
    if (context.packed || capped || attends_in_tiles(query, keys, values))
      return attend(query, keys, values, context.segments, window, score_factor, score_cap);
    key = stored(keys, context);
    value = stored(values, context);
  } else if (capped || attends_in_tiles(query, key, value)) {
    return attend(query, key, value, context.segments, window, score_factor, score_cap);
  } else if (!context.packed && trains_in_panels(query, key, value)) {
    return autograd_attention(query, key, value, window, score_factor);
  }
  const std::optional<at::Tensor> mask = context.mask(window);
  if (!mask && tokens == 1 && window > 0 &&
      context.span > window) {  // one query per row sees the last `window` keys: a slice, no mask
    key = key.narrow(2, context.span - window, window);
    value = value.narrow(2, context.span - window, window);
  }
  const bool causal = !mask && tokens > 1;
  const at::Tensor out = at::scaled_dot_product_attention(query, key, value, mask, 0.0, causal,
                                                          score_factor, n_heads != n_kv_heads);
  return out.transpose(1, 2).reshape({rows, tokens, n_heads * head_dim});
}

at::Tensor decoder_block::sum(const at::Tensor &h, const at::Tensor &y,
                              const at::Tensor &norm) const {
  const at::Tensor added = norm.defined() ? rms_norm(y, norm, eps, norm_offset) : y;
  return residual_factor == 1 ? h + added : h + added * residual_factor;
}

at::Tensor decoder_block::joined(const at::Tensor &h, const linear_op &linear, const at::Tensor &x,
                                 const at::Tensor &norm) const {
  if (!norm.defined() && residual_factor == 1) return linear.add_to(h, x);
  return sum(h, linear(x), norm);
}

at::Tensor decoder_block::after_attention(const at::Tensor &h, const at::Tensor &a) const {
  return joined(h, o, a, attention_out_norm);
}

at::Tensor decoder_block::mlp_input(const at::Tensor &h) const {
  return mlp_norm.defined() ? rms_norm(h, mlp_norm, eps, norm_offset) : h;
}

at::Tensor decoder_block::mlp_hidden(const at::Tensor &x) const {
  return gated_hidden(gate, up, act, x);
}

at::Tensor decoder_block::after_mlp(const at::Tensor &h, const at::Tensor &m) const {
  return joined(h, down, m, mlp_out_norm);
}

at::Tensor decoder_block::after_experts(const at::Tensor &h, const at::Tensor &y) const {
  return sum(h, y, mlp_out_norm);
}

at::Tensor decoder_block::mlp(const at::Tensor &x) const {
  return has_experts() ? moe.forward(x) : down(mlp_hidden(x));
}

at::Tensor decoder_block::forward(const at::Tensor &h, const forward_context &context) const {
  const at::Tensor middle = after_attention(h, attention(attention_input(h), context));
  const at::Tensor x = mlp_input(middle);
  return has_experts() ? after_experts(middle, moe.forward(x)) : after_mlp(middle, mlp_hidden(x));
}

std::vector<linear_op *> decoder_block::linears() {
  std::vector<linear_op *> out{&q, &k, &v, &o};
  if (!has_experts()) {
    out.insert(out.end(), {&gate, &up, &down});
    return out;
  }
  out.push_back(&moe.router);
  for (expert_mlp &expert : moe.experts)
    out.insert(out.end(), {&expert.gate, &expert.up, &expert.down});
  return out;
}

std::vector<const linear_op *> decoder_block::linears() const {
  const std::vector<linear_op *> found = const_cast<decoder_block *>(this)->linears();
  return {found.begin(), found.end()};
}

}  // namespace assay::model
