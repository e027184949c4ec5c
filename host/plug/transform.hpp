// A transform at work. The host side of its edits is an interface that quant/ implements.
#pragma once

#include <string>

#include "plug/instance.hpp"

namespace assay::plug {

// Receives what cannot be written into the block's tensors. May throw assay::error: the plugin's
// call then fails with it. Tensors are borrowed and have been checked for shape and dtype.
class edit_receiver {
 public:
  virtual ~edit_receiver() = default;
  virtual void set_bias(const std::string &layer, const assay_tensor &bias) = 0;
  virtual void set_clip(const std::string &layer, const assay_tensor &min, const assay_tensor &max,
                        int64_t group_size) = 0;
  virtual void set_online(const std::string &layer, const json &operation) = 0;
  virtual void note(const json &note) = 0;
};

class transform_instance : public instance {
 public:
  transform_instance(const component &what, const json &config,
                     const instance_options &options = {}, const std::string &where = "");

  void check(
      const json &arch);  // throws with the plugin's reason if the model cannot be transformed
  assay_needs needs(const assay_block &block);
  void observe(const assay_group &group, const assay_tensor &tokens);
  void apply(const assay_block &block, edit_receiver &edits);

 private:
  const assay_transform_vtable &table() const;
};

}  // namespace assay::plug
