// Multiplies hidden states by the head in tiles of rows, and computes the maximum and the
// log-sum-exp (for the softmax) of each row once.
#include "engine/head.hpp"

#include <ATen/Parallel.h>

#include <algorithm>

#include "kernels/fused_loops.hpp"
#include "kernels/threads.hpp"

namespace assay::engine {
namespace {

// Elements of a tile of logits: 32 MiB of fp32, enough rows for a fast product.
constexpr int64_t k_tile_elements = 1 << 23;

// Here a group is the targets of one row of the hidden states. Group i is the targets
// first[i] .. first[i + 1] - 1, and rows[i] is its row.
struct row_groups {
  std::vector<int64_t> rows;
  std::vector<size_t> first;
};

row_groups group(const std::vector<head_target> &targets) {
  row_groups out;
  for (size_t i = 0; i < targets.size(); ++i)
    if (out.rows.empty() || out.rows.back() != targets[i].row) {
      out.rows.push_back(targets[i].row);
      out.first.push_back(i);
    }
  out.first.push_back(targets.size());
  return out;
}

// Reads the targets of groups begin, begin + 1, ... from logits on the CPU, one row for each group.
void read_here(const at::Tensor &logits, const std::vector<head_target> &targets,
               const row_groups &groups, int64_t begin, std::vector<head_reading> &out) {
  const float *data = logits.const_data_ptr<float>();
  const int64_t vocab = logits.size(1);
  model::parallel_for(0, logits.size(0), 1, [&](int64_t from, int64_t to) {
    for (int64_t r = from; r < to; ++r) {
      int64_t top = 0;
      const float *row = data + r * vocab;
      const float log_sum = model::kernels::log_sum_exp(row, vocab, &top);
      const auto group = static_cast<size_t>(begin + r);
      for (size_t i = groups.first[group]; i < groups.first[group + 1]; ++i)
        out[i] = {row[targets[i].id] - log_sum, top == targets[i].id};
    }
  });
}

// Does the same as read_here with tensor operations, for logits on any device.
void read_there(const at::Tensor &logits, const std::vector<head_target> &targets,
                const row_groups &groups, int64_t begin, std::vector<head_reading> &out) {
  const size_t first = groups.first[static_cast<size_t>(begin)],
               last = groups.first[static_cast<size_t>(begin + logits.size(0))];
  std::vector<int64_t> row, id;
  for (auto group = static_cast<size_t>(begin); row.size() < last - first; ++group)
    for (size_t i = groups.first[group]; i < groups.first[group + 1]; ++i) {
      row.push_back(static_cast<int64_t>(group) - begin);
      id.push_back(targets[i].id);
    }
  const at::Tensor rows = at::tensor(row, at::kLong).to(logits.device()),
                   ids = at::tensor(id, at::kLong).to(logits.device());
  const at::Tensor logprob =
      (logits.take(rows * logits.size(1) + ids) - at::logsumexp(logits, 1).index_select(0, rows))
          .cpu();
  const at::Tensor greedy = (logits.argmax(1).index_select(0, rows) == ids).cpu();
  for (size_t i = first; i < last; ++i) {
    const auto at = static_cast<int64_t>(i - first);
    out[i] = {logprob.const_data_ptr<float>()[at], greedy.const_data_ptr<bool>()[at]};
  }
}

}  // namespace

int64_t head_tile_rows(const model::decoder &decoder) {
  return std::max<int64_t>(1, k_tile_elements / decoder.config().vocab_size);
}

std::vector<head_reading> read_targets(const model::decoder &decoder, const at::Tensor &hidden,
                                       const std::vector<head_target> &targets) {
  const row_groups groups = group(targets);
  const int64_t n = std::ssize(groups.rows), tile = head_tile_rows(decoder);
  const at::Tensor rows = at::tensor(groups.rows, at::kLong).to(hidden.device());
  std::vector<head_reading> out(targets.size());
  for (int64_t begin = 0; begin < n; begin += tile) {
    const at::Tensor states =
        hidden.index_select(0, rows.narrow(0, begin, std::min(tile, n - begin)));
    const at::Tensor logits = decoder.logits(states).contiguous();  // fp32 [rows, vocab]
    (logits.is_cpu() ? read_here : read_there)(logits, targets, groups, begin, out);
  }
  return out;
}

}  // namespace assay::engine
