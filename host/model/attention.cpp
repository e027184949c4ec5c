// Blocks of queries, all heads of one key head together: scores, softmax, values.
#include "model/attention.hpp"

#include <ATen/Parallel.h>
#include <ATen/core/LegacyTypeDispatch.h>
#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <cstring>

#include "model/kernels.hpp"
#include "model/matmul.hpp"

namespace assay::model {
namespace {

constexpr int64_t k_min_tokens = 32;   // below, one call of LibTorch's kernel is cheaper
constexpr int64_t k_block_rows = 256;  // rows of a score block: queries times heads of the group

// What all tasks share. Strides of query in elements.
struct shape {
  int64_t rows, heads, kv_heads, tokens, d, span, group, block, n_blocks, window;
};

// One block of queries of one key head.
struct task {
  int64_t row, kv_head, first, count;  // queries first .. first + count
};

// Long blocks (late queries) alternate with short ones, so that equal shares of tasks are equal
// work.
task task_of(const shape &s, int64_t index) {
  const int64_t i = index % s.n_blocks, at = index / s.n_blocks;
  const int64_t block = i % 2 == 0 ? i / 2 : s.n_blocks - 1 - i / 2;
  return {at / s.kv_heads, at % s.kv_heads, block * s.block,
          std::min(s.block, s.tokens - block * s.block)};
}

// [group * count, d]: the block's queries, head after head, scaled.
at::Tensor pack_queries(const shape &s, const task &t, const at::Tensor &query, double scale) {
  const at::Tensor block =
      query.select(0, t.row).narrow(0, t.kv_head * s.group, s.group).narrow(1, t.first, t.count);
  return at::mul(block, scale).reshape({s.group * t.count, s.d});
}

void run_task(const shape &s, const task &t, const at::Tensor &query, const at::Tensor &key,
              const at::Tensor &value, int64_t past, double scale, float *out) {
  const int64_t first = past + t.first, last = first + t.count - 1;  // positions
  const int64_t low = s.window > 0 ? std::max<int64_t>(0, first - s.window + 1) : 0,
                n_keys = last + 1 - low;
  const at::Tensor keys = key.select(0, t.row).select(0, t.kv_head).narrow(0, low, n_keys);
  const at::Tensor values = value.select(0, t.row).select(0, t.kv_head).narrow(0, low, n_keys);
  at::Tensor scores =
      worker_linear(pack_queries(s, t, query, scale), keys);  // [group * count, n_keys]
  float *data = scores.mutable_data_ptr<float>();
  std::vector<float> inverse(static_cast<size_t>(s.group * t.count));
  for (int64_t i = 0; i < s.group * t.count; ++i) {
    const int64_t position = first + i % t.count;
    const int64_t begin = s.window > 0 ? std::max<int64_t>(0, position - s.window + 1 - low) : 0;
    inverse[static_cast<size_t>(i)] =
        kernels::softmax_row(data + i * n_keys, n_keys, begin, position + 1 - low);
  }
  const at::Tensor mixed = worker_linear(scores, values.t());  // [group * count, d]
  const float *from = mixed.const_data_ptr<float>();
  for (int64_t i = 0; i < s.group * t.count; ++i) {
    const int64_t token = t.first + i % t.count, head = t.kv_head * s.group + i / t.count;
    float *to = out + ((t.row * s.tokens + token) * s.heads + head) * s.d;
    for (int64_t j = 0; j < s.d; ++j) to[j] = from[i * s.d + j] * inverse[static_cast<size_t>(i)];
  }
}

}  // namespace

bool prefill_attention_applies(const at::Tensor &query, const at::Tensor &key) {
  return !at::GradMode::is_enabled() && query.size(2) >= k_min_tokens && query.device().is_cpu() &&
         query.scalar_type() == at::kFloat && key.scalar_type() == at::kFloat;
}

at::Tensor prefill_attention(const at::Tensor &query, const at::Tensor &key,
                             const at::Tensor &value, const std::vector<int64_t> &past,
                             int64_t window, double scale) {
  shape s{};
  s.rows = query.size(0), s.heads = query.size(1), s.tokens = query.size(2), s.d = query.size(3);
  s.kv_heads = key.size(1), s.span = key.size(2), s.group = s.heads / s.kv_heads, s.window = window;
  s.block = std::max<int64_t>(16, k_block_rows / s.group / 16 * 16);
  s.n_blocks = (s.tokens + s.block - 1) / s.block;
  const auto per_head = [](const at::Tensor &t) {  // each head's [span, d] in one piece
    return t.stride(3) == 1 && t.stride(2) == t.size(3) ? t : t.contiguous();
  };
  const at::Tensor keys = per_head(key), values = per_head(value);
  at::Tensor out = at::empty({s.rows, s.tokens, s.heads * s.d}, query.options());
  float *data = out.mutable_data_ptr<float>();
  at::parallel_for(0, s.rows * s.kv_heads * s.n_blocks, 1, [&](int64_t begin, int64_t end) {
    const at::AutoDispatchBelowADInplaceOrView below_autograd;
    for (int64_t i = begin; i < end; ++i) {
      const task t = task_of(s, i);
      run_task(s, t, query, keys, values, past[static_cast<size_t>(t.row)], scale, data);
    }
  });
  return out;
}

}  // namespace assay::model
