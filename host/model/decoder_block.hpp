// One decoder layer, cut into stages at each linear's input, so that calibration can stop between
// them. Not the loop over layers (model/decoder), and no statistics: the caller looks at what the
// stages return.
//
//   h ─ attention_input ─ x ─► [q,k,v] attention ─ a ─► [o] after_attention ─ h'
//   h'─ mlp_input ─────── x ─► [gate,up] mlp_hidden ─ m ─► [down] after_mlp ─ h''
//
// forward() is exactly this composition, bit for bit. A copy of a block shares tensors: replace a
// linear's weight in the copy to try a candidate. All stages are differentiable; without autograd
// (at::NoGradGuard) they run fused kernels.
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
#include "model/kv_cache.hpp"
#include "model/linear_op.hpp"

namespace assay::model {

// Sees, and may replace, every new k and v ([rows, kv_heads, tokens, head_dim], after RoPE) before
// attention and before the cache: KV-cache fake-quantization.
using kv_hook = std::function<void(int64_t layer, at::Tensor &k, at::Tensor &v)>;

// What all blocks of one forward share. Made by decoder::context() and decoder::packed_context().
struct forward_context {
  int64_t rows = 0, tokens = 0;  // of this forward; packed: one row of all segments' tokens
  at::Tensor cos, sin;           // [rows or 1, tokens, head_dim / 2] in the compute dtype
  std::vector<int64_t> past;     // tokens before this forward, per row
  int64_t span = 0;              // keys: max(past) + tokens
  bool even = true;              // all rows have the same past
  kv_cache *cache = nullptr;     // borrow; null = no cache
  std::vector<int64_t> slots;    // cache slot of each row
  kv_hook on_kv;
  at::Tensor positions;  // [rows or 1, tokens] int64, on the CPU
  bool packed = false;   // tokens of several sequences in one row; what each sees is in segments
  std::vector<attention_segment> segments;  // one per row, or those of the packed row

  // Additive mask [rows or 1, 1, tokens, span] for LibTorch's attention, made on first use: 0
  // where key j is visible to the query at position i (i - window < j <= i), else -inf. None where
  // plain causality or one query needs none.
  std::optional<at::Tensor> mask(int64_t window) const;

 private:
  mutable std::vector<std::pair<int64_t, at::Tensor>> masks_;  // by window
};

struct decoder_block {
  int64_t index = 0;
  at::Tensor attention_norm, mlp_norm;  // [hidden]
  at::Tensor q_norm, k_norm;            // [head_dim], undefined where the family has none
  linear_op q, k, v, o, gate, up, down;
  int64_t window = 0;  // tokens; 0 = full attention
  int64_t n_heads = 0, n_kv_heads = 0, head_dim = 0;
  double eps = 1e-6;

  // h, x, a, m: [rows, tokens, width]
  at::Tensor attention_input(const at::Tensor &h) const;  // norm 1: input of q, k, v
  at::Tensor attention(const at::Tensor &x,
                       const forward_context &context) const;  // input of o [.., heads*head_dim]
  at::Tensor after_attention(const at::Tensor &h, const at::Tensor &a) const;  // h + o(a)
  at::Tensor mlp_input(const at::Tensor &h) const;   // norm 2: input of gate, up
  at::Tensor mlp_hidden(const at::Tensor &x) const;  // silu(gate) * up: input of down
  at::Tensor after_mlp(const at::Tensor &h, const at::Tensor &m) const;  // h + down(m)
  at::Tensor forward(const at::Tensor &h, const forward_context &context) const;

  std::array<linear_op *, 7> linears() { return {&q, &k, &v, &o, &gate, &up, &down}; }
  std::array<const linear_op *, 7> linears() const { return {&q, &k, &v, &o, &gate, &up, &down}; }
};

}  // namespace assay::model
