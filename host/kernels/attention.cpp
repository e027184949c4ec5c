// Computes attention: cuts segments into panels of queries, which the threads take one by one. Panels
// of later queries take longer, because these queries see more keys. Such panels come first, so that
// only short panels are left at the end. A thread that other programs slow down takes fewer panels.
#include "kernels/attention.hpp"

#include <ATen/Parallel.h>
#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <limits>
#include <memory>
#include <new>

#include "kernels/attention_tile.hpp"
#include "kernels/threads.hpp"

namespace assay::model {
namespace {

constexpr double k_log2_e = 1.4426950408889634;
constexpr int64_t k_serial_work = 1 << 15;  // if lanes times keys are fewer, one thread does all

// Where the codes of keys or values lie; `store` is null if they are floats.
struct code_source {
  const coded_store *store = nullptr;
  coded_rows rows(int64_t slot, int64_t head, int64_t token) const {
    if (store == nullptr) return {};
    const int64_t row = (slot * store->scales.size(1) + head) * store->scales.size(2) + token,
                  bytes = store->codes.size(3);
    return {store->codes.const_data_ptr<uint8_t>() + row * bytes,
            store->scales.const_data_ptr<float>() + row,
            store->zeros.const_data_ptr<uint8_t>() + row,
            bytes,
            store->form.bits <= 4,
            store->form.floats,
            store->form.rotated};
  }
};

struct tensors {  // base pointers and strides in floats
  const float *query, *key, *value;
  int64_t query_row, query_head, query_token;
  int64_t key_slot, key_head, key_token, value_slot, value_head, value_token;
  int64_t d, group;
  float *out;  // [rows, tokens, heads, d]
  int64_t out_row, out_token;
  code_source key_codes = {}, value_codes = {};
};

// Lanes [lane, lane + lanes) of one segment and key head; lane i is query i / group of head
// i % group, where `group` query heads share a key head.
struct panel_task {
  const attention_segment *segment;
  int64_t kv_head, lane, lanes;  // lanes: those in use
  int64_t work;                  // number of keys up to the last query
};

struct release {
  void operator()(float *p) const { ::operator delete(p, std::align_val_t(64)); }
};
using aligned_floats = std::unique_ptr<float, release>;

aligned_floats floats(int64_t n) {
  return aligned_floats(static_cast<float *>(
      ::operator new(static_cast<size_t>(n) * sizeof(float), std::align_val_t(64))));
}

std::vector<panel_task> cut(const std::vector<attention_segment> &segments, int64_t kv_heads,
                            int64_t group, const attention_kernel &kernel) {
  std::vector<panel_task> tasks;
  for (const attention_segment &segment : segments)
    for (int64_t lane = 0; lane < segment.tokens * group; lane += kernel.wide_lanes) {
      const int64_t lanes = std::min(kernel.wide_lanes, segment.tokens * group - lane);
      const int64_t last = segment.position + (lane + lanes - 1) / group;
      for (int64_t head = 0; head < kv_heads; ++head)
        tasks.push_back({&segment, head, lane, lanes, last + 1});
    }
  std::stable_sort(tasks.begin(), tasks.end(),
                   [](const panel_task &a, const panel_task &b) { return a.work > b.work; });
  return tasks;
}

// The buffers of one thread.
class worker {
 public:
  worker(const tensors &t, const attention_kernel &kernel, int64_t window, double scale, double cap)
      : t_(t),
        kernel_(kernel),
        window_(window),
        scale_(static_cast<float>(scale * k_log2_e)),
        cap_(static_cast<float>(cap * k_log2_e)),
        query_(floats(t.d * k_max_lanes)),
        out_(floats(t.d * k_max_lanes)),
        scratch_(floats(t.key_codes.store != nullptr ? t.d * k_tile_keys : 1)) {}

  void run(const panel_task &task) {
    const bool narrow = task.lanes <= kernel_.narrow_lanes;
    lanes_ = narrow ? kernel_.narrow_lanes : kernel_.wide_lanes;
    pack(task);
    find_ranges(task);
    const attention_panel panel{query_.get(),   t_.d,
                                ranges_.data(), static_cast<int64_t>(ranges_.size()),
                                positions_,     static_cast<int32_t>(window_),
                                cap_,           out_.get(),
                                scratch_.get()};
    (narrow ? kernel_.narrow : kernel_.wide)(panel);
    unpack(task);
  }

 private:
  // Copies the task's queries into the lanes. Unused lanes repeat the last position with a query of zeros.
  void pack(const panel_task &task) {
    const attention_segment &s = *task.segment;
    float *to = query_.get();
    for (int64_t i = 0; i < lanes_; ++i) {
      const int64_t lane = task.lane + std::min(i, task.lanes - 1), token = lane / t_.group;
      positions_[i] = static_cast<int32_t>(s.position + token);
      const float *from = t_.query + s.row * t_.query_row + (s.first + token) * t_.query_token +
                          (task.kv_head * t_.group + lane % t_.group) * t_.query_head;
      const float factor = i < task.lanes ? scale_ : 0.0f;
      for (int64_t j = 0; j < t_.d; ++j) to[j * lanes_ + i] = from[j] * factor;
    }
  }

  // Finds the keys that at least one query of the task sees.
  void find_ranges(const panel_task &task) {
    ranges_.clear();
    const int64_t low = window_ > 0 ? std::max<int64_t>(0, positions_[0] - window_ + 1) : 0,
                  end = positions_[lanes_ - 1] + 1;  // both are positions
    for (const key_place &place : task.segment->keys) {
      const int64_t from = std::max(low, place.position),
                    to = std::min(end, place.position + place.count);
      if (from >= to) continue;
      const int64_t token = place.first + from - place.position;
      ranges_.push_back(
          {t_.key + place.slot * t_.key_slot + task.kv_head * t_.key_head + token * t_.key_token,
           t_.value + place.slot * t_.value_slot + task.kv_head * t_.value_head +
               token * t_.value_token,
           t_.key_token, t_.value_token, from, to - from,
           t_.key_codes.rows(place.slot, task.kv_head, token),
           t_.value_codes.rows(place.slot, task.kv_head, token)});
    }
  }

  void unpack(const panel_task &task) const {
    const attention_segment &s = *task.segment;
    for (int64_t i = 0; i < task.lanes; ++i) {
      const int64_t lane = task.lane + i;
      float *to = t_.out + s.row * t_.out_row + (s.first + lane / t_.group) * t_.out_token +
                  (task.kv_head * t_.group + lane % t_.group) * t_.d;
      const float *from = out_.get() + i;
      for (int64_t j = 0; j < t_.d; ++j) to[j] = from[j * lanes_];
    }
  }

  const tensors &t_;
  const attention_kernel &kernel_;
  int64_t window_, lanes_ = 0;
  float scale_, cap_;  // times log2(e)
  aligned_floats query_, out_, scratch_;
  alignas(64) int32_t positions_[k_max_lanes] = {};
  std::vector<key_range> ranges_;
};

bool covers_all(const at::Tensor &query, const std::vector<attention_segment> &segments) {
  int64_t n = 0;
  for (const attention_segment &s : segments) n += s.tokens;
  return n == query.size(0) * query.size(2);
}

// Runs the panels of all segments. t: everything but out.
at::Tensor run_panels(tensors t, const at::Tensor &query, int64_t kv_heads,
                      const std::vector<attention_segment> &segments, int64_t window, double scale,
                      double cap) {
  const int64_t rows = query.size(0), heads = query.size(1), n = query.size(2), d = query.size(3);
  at::Tensor out = covers_all(query, segments) ? at::empty({rows, n, heads * d}, query.options())
                                               : at::zeros({rows, n, heads * d}, query.options());
  t.query = query.const_data_ptr<float>();
  t.query_row = query.stride(0), t.query_head = query.stride(1), t.query_token = query.stride(2);
  t.d = d, t.group = heads / kv_heads;
  t.out = out.mutable_data_ptr<float>();
  t.out_row = n * heads * d, t.out_token = heads * d;
  const attention_kernel &kernel = best_attention_kernel();
  const std::vector<panel_task> tasks = cut(segments, kv_heads, t.group, kernel);
  int64_t work = 0;
  for (const panel_task &task : tasks) work += task.work * task.lanes;
  std::atomic<size_t> next{0};
  const auto drain = [&](int64_t, int64_t) {
    worker mine(t, kernel, window, scale, cap);
    for (size_t i = next++; i < tasks.size(); i = next++) mine.run(tasks[i]);
  };
  if (work < k_serial_work)
    drain(0, 1);
  else
    parallel_for(0, std::min<int64_t>(at::get_num_threads(), std::ssize(tasks)), 1, drain);
  return out;
}

at::Tensor attend_in_tiles(const at::Tensor &query, const at::Tensor &key, const at::Tensor &value,
                           const std::vector<attention_segment> &segments, int64_t window,
                           double scale, double cap) {
  tensors t{};
  t.key = key.const_data_ptr<float>();
  t.value = value.const_data_ptr<float>();
  t.key_slot = key.stride(0), t.key_head = key.stride(1), t.key_token = key.stride(2);
  t.value_slot = value.stride(0), t.value_head = value.stride(1), t.value_token = value.stride(2);
  return run_panels(t, query, key.size(1), segments, window, scale, cap);
}

// Attention of one segment, computed step by step, because LibTorch's has no cap. query [heads,
// tokens, d], key and value [kv_heads, keys, d], seen [tokens, keys].
at::Tensor attend_capped(const at::Tensor &query, const at::Tensor &key, const at::Tensor &value,
                         const at::Tensor &seen, double scale, double cap) {
  const int64_t group = query.size(0) / key.size(0);
  const at::Tensor keys = key.repeat_interleave(group, 0),
                   values = value.repeat_interleave(group, 0);
  const at::Tensor scores = (at::matmul(query, keys.transpose(1, 2)) * (scale / cap)).tanh() * cap;
  const at::Tensor visible =
      scores.masked_fill(seen.logical_not(), -std::numeric_limits<double>::infinity());
  const auto wide = scores.scalar_type() == at::kDouble ? at::kDouble : at::kFloat;
  const at::Tensor weights = at::softmax(visible.to(wide), -1);
  return at::matmul(weights.to(query.scalar_type()), values);
}

}  // namespace

bool is_plain_attention(const at::Tensor &query, const at::Tensor &key, const at::Tensor &value) {
  const auto plain = [](const at::Tensor &t) {
    return t.device().is_cpu() && t.scalar_type() == at::kFloat && t.stride(3) == 1;
  };
  return plain(query) && plain(key) && plain(value);
}

bool attends_in_tiles(const at::Tensor &query, const at::Tensor &key, const at::Tensor &value) {
  return !at::GradMode::is_enabled() && is_plain_attention(query, key, value);
}

at::Tensor attend_plainly(const at::Tensor &query, const at::Tensor &key, const at::Tensor &value,
                          const std::vector<attention_segment> &segments, int64_t window,
                          double scale, double cap) {
  const int64_t heads = query.size(1), d = query.size(3);
  at::Tensor out = at::zeros({query.size(0), query.size(2), heads * d}, query.options());
  for (const attention_segment &s : segments) {
    std::vector<at::Tensor> keys, values, positions;
    for (const key_place &place : s.keys) {
      keys.push_back(key.select(0, place.slot).narrow(1, place.first, place.count));
      values.push_back(value.select(0, place.slot).narrow(1, place.first, place.count));
      positions.push_back(at::arange(place.position, place.position + place.count));
    }
    const at::Tensor at = at::arange(s.position, s.position + s.tokens).unsqueeze(1),
                     seen_at = at::cat(positions).unsqueeze(0);
    at::Tensor seen = seen_at <= at;
    if (window > 0) seen = seen.logical_and(seen_at > at - window);
    const at::Tensor own = query.select(0, s.row).narrow(1, s.first, s.tokens),
                     own_keys = at::cat(keys, 1), own_values = at::cat(values, 1);
    seen = seen.to(query.device());
    const at::Tensor mixed =
        cap > 0 ? attend_capped(own, own_keys, own_values, seen, scale, cap)
                : at::scaled_dot_product_attention(own.unsqueeze(0), own_keys.unsqueeze(0),
                                                   own_values.unsqueeze(0), seen, 0.0, false, scale,
                                                   heads != key.size(1))
                      .select(0, 0);
    out.select(0, s.row).narrow(0, s.first, s.tokens) =
        mixed.transpose(0, 1).reshape({s.tokens, heads * d});
  }
  return out;
}

at::Tensor attend(const at::Tensor &query, const at::Tensor &key, const at::Tensor &value,
                  const std::vector<attention_segment> &segments, int64_t window, double scale,
                  double cap) {
  return attends_in_tiles(query, key, value)
             ? attend_in_tiles(query, key, value, segments, window, scale, cap)
             : attend_plainly(query, key, value, segments, window, scale, cap);
}

at::Tensor attend_codes(const at::Tensor &query, const coded_store &key, const coded_store &value,
                        const std::vector<attention_segment> &segments, int64_t window,
                        double scale, double cap) {
  tensors t{};
  t.key_codes.store = &key;
  t.value_codes.store = &value;
  return run_panels(t, query, key.scales.size(1), segments, window, scale, cap);
}

}  // namespace assay::model
