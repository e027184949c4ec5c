// Computes one decoder layer in steps. A step ends where linears need an input, so that calibration
// can stop there and take statistics of that input. model/decoder loops over the layers.
//
//   h ─ attention_input ─ x ─► [q,k,v] attention ─ a ─► [o] after_attention ─ h'
//   h'─ mlp_input ─────── x ─► [gate,up] mlp_hidden ─ m ─► [down] after_mlp ─ h''
//
// A layer with experts has expert_layer in place of gate, up and down:
//
//   h'─ mlp_input ─ x ─► [router] experts: [gate,up] [down] of each on its own tokens ─ after_experts ─ h''
//
// The norms lie before the linears of each half of the block, after them, or on both sides (norm_order).
//
// forward() calls exactly these steps. So calibration, which calls the steps one by one, gets the
// same result bit for bit. A copy of a block shares its tensors: to try other weights, replace a
// linear's weight in the copy. All steps are differentiable. Without autograd (at::NoGradGuard),
// they run fused kernels in fp32 on the CPU.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <utility>
#include <vector>

#include "aten.hpp"
#include "kernels/attention.hpp"
#include "model/decoder_config.hpp"
#include "model/expert_layer.hpp"
#include "model/kv_cache.hpp"
#include "model/linear_op.hpp"

namespace assay::model {

// Called with all new keys and values, [rows, kv_heads, tokens, head_dim], after RoPE and
// before they go into cache and attention. It may replace them, for example to simulate a
// quantized KV cache.
using kv_hook = std::function<void(int64_t layer, at::Tensor &k, at::Tensor &v)>;

// Holds what all blocks of one forward pass share. Only decoder::context() and
// decoder::packed_context() make one.
struct rope_angles {
  at::Tensor cos, sin;  // [rows or 1, tokens, head_dim / 2] in the compute dtype
};

struct forward_context {
  int64_t rows = 0, tokens = 0;      // of this forward pass; packed: one row with all tokens
  rope_angles angles, local_angles;  // of decoder_config::rope and local_rope
  std::vector<int64_t> past;         // for each row: tokens that the cache holds already
  int64_t span = 0;                  // most keys of a row: max(past) + tokens
  bool even = true;                  // all rows have the same past
  kv_cache *cache = nullptr;         // borrowed; null = no cache
  std::vector<int64_t> slots;        // cache slot of each row
  kv_hook on_kv;
  at::Tensor positions;  // [rows or 1, tokens] int64, on the CPU
  bool packed = false;   // one row holds tokens of several sequences; `segments` separates them
  std::vector<attention_segment> segments;  // one per row, or those of the packed row

  // Returns the mask that LibTorch's attention adds to the scores, [rows or 1, 1, tokens, span]: 0
  // if the query at position i sees key j (i - window < j <= i), else -inf. window 0 = no limit.
  // Returns nullopt in two cases, in which no mask is needed. First, no row has past tokens, and all
  // tokens lie within the window. Second, each row has one query, and all rows are equally long:
  // attention() then cuts the keys to the window. The mask is made on first use and kept.
  std::optional<at::Tensor> mask(int64_t window) const;

 private:
  mutable std::vector<std::pair<int64_t, at::Tensor>> masks_;  // (window, mask)
};

struct decoder_block {
  int64_t index = 0;
  int64_t first_linear = 0;                     // place of q among the linears of the model
  at::Tensor attention_norm, mlp_norm;          // [hidden]; these two and those below are
  at::Tensor attention_out_norm, mlp_out_norm;  // undefined if the family has none
  at::Tensor q_norm, k_norm;                    // [head_dim], or [heads * head_dim]
  linear_op q, k, v, o;
  linear_op gate, up, down;  // without names and weights in a layer with experts
  expert_layer moe;          // without experts in a layer that has gate, up and down
  int64_t window = 0;        // tokens that a query sees, itself included; 0 = all
  int64_t n_heads = 0, n_kv_heads = 0, head_dim = 0;
  double eps = 1e-6;
  // As in decoder_config.
  double norm_offset = 0, score_factor = 1, score_cap = 0, residual_factor = 1, qkv_clip = 0;
  norm_order norm_places = norm_order::before;
  activation act = activation::silu;
  rope_choice rope = rope_choice::main;

  // h, x, a and m are those of the diagram above, each [rows, tokens, width].
  at::Tensor attention_input(const at::Tensor &h) const;  // norm 1: input of q, k, v
  // Returns a, the input of o: [rows, tokens, heads * head_dim].
  at::Tensor attention(const at::Tensor &x, const forward_context &context) const;
  at::Tensor after_attention(const at::Tensor &h, const at::Tensor &a) const;  // h + norm(o(a))
  at::Tensor mlp_input(const at::Tensor &h) const;   // norm 2: input of gate, up; of the experts
  at::Tensor mlp_hidden(const at::Tensor &x) const;  // act(gate) * up: input of down
  at::Tensor after_mlp(const at::Tensor &h, const at::Tensor &m) const;  // h + norm(down(m))
  // Returns h + norm(y), where y is what the experts made of mlp_input(h).
  at::Tensor after_experts(const at::Tensor &h, const at::Tensor &y) const;
  at::Tensor mlp(const at::Tensor &x) const;  // what MLP or experts make of x = mlp_input(h)
  at::Tensor forward(const at::Tensor &h, const forward_context &context) const;

  bool has_experts() const { return !moe.experts.empty(); }
  // In forward order: q, k, v, o, then gate, up and down, or the router and gate, up and down of each expert.
  std::vector<linear_op *> linears();
  std::vector<const linear_op *> linears() const;
  // All norms; those that the family does not have are undefined.
  std::array<at::Tensor *, 6> norms() {
    return {&attention_norm, &q_norm, &k_norm, &attention_out_norm, &mlp_norm, &mlp_out_norm};
  }
  std::array<const at::Tensor *, 6> norms() const {
    return {&attention_norm, &q_norm, &k_norm, &attention_out_norm, &mlp_norm, &mlp_out_norm};
  }

 private:
  // Returns h + norm(y) * residual_factor, without the norm if it is undefined.
  at::Tensor sum(const at::Tensor &h, const at::Tensor &y, const at::Tensor &norm) const;
  // The same for y = linear(x), in one pass if there is neither a norm nor a factor.
  at::Tensor joined(const at::Tensor &h, const linear_op &linear, const at::Tensor &x,
                    const at::Tensor &norm) const;
};

}  // namespace assay::model
