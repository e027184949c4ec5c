// Calls a transform plugin, which edits the weights of a decoder layer, usually before quantization. The plugin writes most edits into
// the tensors of the layer. The room quant implements edit_receiver, which receives the other edits.
#pragma once

#include <string>

#include "plug/instance.hpp"

namespace assay::plug {

// Receives the edits that cannot be written into the block's tensors. If a function throws assay::error, the plugin's call fails
// with this error. The tensors are valid only during the call; they are contiguous f32 with one row per output of the matrix.
class edit_receiver {
 public:
  virtual ~edit_receiver() = default;
  virtual void set_bias(const std::string &layer, const assay_tensor &bias) = 0;  // [out]
  // Limits of the quantizer's grid: min and max are [out, n], each column for `group_size` columns of the weight (0 = all).
  virtual void set_clip(const std::string &layer, const assay_tensor &min, const assay_tensor &max,
                        int64_t group_size) = 0;
  // An operation on the matrix's input at each forward pass; plugin_api/assay/transform.h has its keys
  virtual void set_online(const std::string &layer, const json &operation) = 0;
  virtual void note(const json &note) = 0;  // for the report
};

class transform_instance : public instance {
 public:
  transform_instance(const component &what, const json &config,
                     const instance_options &options = {}, const std::string &where = "");

  // Throws the plugin's reason if the plugin cannot transform the model. arch: sizes of the model,
  // as in assay_linear::arch_json
  void check(const json &arch);
  assay_needs needs(const assay_block &block);  // which statistics the block needs
  // `tokens` are inputs of the group, f32 [n, channels].
  void observe(const assay_group &group, const assay_tensor &tokens);
  // Writes into the tensors of `block`, and calls `edits`
  void apply(const assay_block &block, edit_receiver &edits);

 private:
  const assay_transform_vtable &table() const;
};

}  // namespace assay::plug
