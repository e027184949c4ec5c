// A decoder layer of toy size, and its output computed in plain loops. A transform may change the weights, but not this output.
// The layer has grouped-query attention (2 query heads share a key and value head) without positions or a mask, and a gated MLP.
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
  // Fills in the statistics that `needs` asks for, of random inputs of each group (assay_group in plugin_api/assay/linear.h)
  void provide(const assay_needs &needs);
  void set_bias(const std::string &layer, const assay_tensor &bias);
  // [tokens, hidden], from fixed inputs and the present weights
  std::vector<double> output() const;

 private:
  enum linear { q, k, v, o, gate, up, down, n_linears };
  std::vector<double> apply(linear which, const std::vector<double> &x) const;
  std::vector<double> normed(int which, const std::vector<double> &x) const;
  void add_group(const char *name, const char *kind, const assay_norm *norm,
                 const std::vector<linear> &producers, std::vector<linear> consumers);

  struct group_parts {
    std::vector<const assay_linear *> producers, consumers;
    std::vector<linear> readers;  // the consumers as indices
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
