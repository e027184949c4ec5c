// One decoder layer of toy size with its groups, and its float function in plain loops: what a
// transform must leave unchanged. Grouped-query attention with fixed attention weights, gated
// MLP, no positions.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "plug/check/bench.hpp"

namespace assay::check {

class small_block {
 public:
  static constexpr int64_t k_hidden = 24, k_heads = 4, k_kv_heads = 2, k_head_dim = 6, k_inner = 40;

  explicit small_block(uint64_t seed);
  small_block(const small_block &) = delete;
  small_block &operator=(const small_block &) = delete;

  const assay_block &block() const { return block_; }
  void provide(const assay_needs &needs);  // statistics of the groups' inputs
  void set_bias(const std::string &layer, const assay_tensor &bias);
  std::vector<double> output() const;  // of the weights as they are now, on fixed inputs

 private:
  enum linear { q, k, v, o, gate, up, down, n_linears };
  std::vector<double> apply(linear which, const std::vector<double> &x) const;
  std::vector<double> normed(int which, const std::vector<double> &x) const;
  void add_group(const char *name, const char *kind, const assay_norm *norm,
                 const std::vector<linear> &producers, std::vector<linear> consumers);

  struct group_parts {
    std::vector<const assay_linear *> producers, consumers;
    std::vector<linear> readers;
    assay_group group{};
  };
  std::vector<std::unique_ptr<bench_layer>> layers_;
  std::vector<std::vector<float>> biases_;
  std::vector<float> norm_weights_[2];
  plug::tensor_view norm_views_[2];
  assay_norm norms_[2] = {};
  std::vector<std::unique_ptr<group_parts>> groups_;
  std::vector<const assay_linear *> layer_pointers_;
  std::vector<const assay_norm *> norm_pointers_;
  std::vector<const assay_group *> group_pointers_;
  std::vector<double> inputs_;  // [tokens, hidden]
  assay_block block_{};
};

}  // namespace assay::check
