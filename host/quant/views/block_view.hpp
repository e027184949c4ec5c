// Shows one block (decoder layer) to plugins: writable f32 copies of its weights and
// norms, groups of channels that can be rescaled without changing the function, and
// statistics of the groups' inputs.
#pragma once

#include <map>
#include <memory>

#include "model/decoder.hpp"
#include "quant/views/linear_view.hpp"

namespace assay::quant {

// Statistics of the distinct inputs of a block's linears. An input without statistics is absent.
using block_statistics = std::map<model::linear_input, input_statistics>;

class block_view {
 public:
  // Copies the block's tensors and shares the statistics. Borrows block, arch_json, quantizer_json.
  // residual_group: also show the group of linears that read or write the residual stream, for a
  // transform of the whole model.
  block_view(const model::decoder_block &block, int64_t n_blocks,
             const block_statistics &statistics, propagation_policy propagation,
             int64_t n_sequences, const std::string &arch_json, const std::string &quantizer_json,
             bool residual_group = false);
  block_view(const block_view &) = delete;
  const assay_block &get() const { return block_; }
  linear_view &linear(size_t i) { return *layers_.at(i); }  // as in decoder_block::linears()
  const at::Tensor &weight(size_t i) const { return weights_.at(i); }  // f32, as a plugin sees it
  void set_handle(const void *runner) { block_.handle = runner; }      // block_runner::handle
  // For a transform that runs after the quantizer: shows the quantized form of a linear, and its
  // dense weight as a tensor of the form with the role "weight".
  void set_start(const quantized_linear &form, const at::Tensor &dense);
  // Make edits that a plugin cannot write into a tensor. Both throw error(failed) for an unknown
  // linear. set_input_operation throws error(plugin) if the linear has an input operation already.
  void set_bias(const std::string &linear, at::Tensor bias);
  void set_input_operation(const std::string &linear, const json &operation);
  // Returns the block with the edited copies as its weights, in the dtype of the original.
  model::decoder_block edited() const;

 private:
  size_t place_of(const std::string &linear) const;
  void add_groups(bool residual);
  void add_norm(const std::string &name, at::Tensor model::decoder_block::*part);
  const assay_norm *norm_of(at::Tensor model::decoder_block::*part) const;  // null = has none
  void add_group(const std::string &name, const char *kind, const assay_norm *norm,
                 const std::vector<size_t> &producers, const std::vector<size_t> &consumers,
                 model::linear_input input);
  void add_mlp_groups(const std::string &name);
  void add_expert_groups(const std::string &name);

  struct group_storage {
    std::string name;
    std::vector<const assay_linear *> producers, consumers;
    assay_group group{};
  };
  const model::decoder_block &original_;
  std::map<size_t, std::function<at::Tensor(const at::Tensor &)>> input_operations_;
  std::vector<std::unique_ptr<quantized_linear>> starts_;
  std::vector<at::Tensor> weights_, biases_;  // f32 clones; biases undefined where absent
  std::vector<at::Tensor model::decoder_block::*> norm_parts_;
  std::vector<at::Tensor> norm_weights_;  // one for each of norm_parts_
  std::vector<std::unique_ptr<linear_view>> layers_;
  std::vector<std::unique_ptr<model::linear_op>> shown_;  // linears that show the copies
  std::vector<std::unique_ptr<plug::tensor_ref>> norm_refs_;
  std::vector<std::unique_ptr<std::string>> norm_names_;
  std::vector<std::unique_ptr<assay_norm>> norms_;
  std::vector<std::unique_ptr<group_storage>> groups_;
  std::map<model::linear_input, std::unique_ptr<stats_view>> stats_;
  std::vector<const assay_linear *> layer_pointers_;
  std::vector<const assay_norm *> norm_pointers_;
  std::vector<const assay_group *> group_pointers_;
  assay_block block_{};
};

}  // namespace assay::quant
