// A quantizer at work, and what it emitted. Everything that comes out has been checked.
// Not the schedule of layers (quant/).
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "plug/instance.hpp"
#include "plug/tensor.hpp"

namespace assay::plug {

struct emitted_tensor {
  std::string role;
  managed_tensor tensor;     // contiguous
  uint32_t packed_bits = 0;  // of one element in a file
};

struct emitted_form {
  int64_t out_features = 0, in_features = 0;
  std::vector<emitted_tensor> tensors;                        // in order of emission
  json note = json::object();                                 // all notes merged
  const emitted_tensor *find(const std::string &role) const;  // nullptr if absent
  double packed_bits()
      const;  // of everything, counted: the sum of elements times their packed width
};

// One assay_form as plugins see it, for dequantize and for exporters.
class form_view {
 public:
  explicit form_view(const emitted_form &form);
  form_view(int64_t out_features, int64_t in_features, std::string note_json);
  void add(const std::string &role, const assay_tensor &tensor, uint32_t packed_bits);  // borrow
  void add(const std::string &role, std::shared_ptr<const assay_tensor> tensor,
           uint32_t packed_bits);
  const assay_form *get();  // borrow: valid until the next add

 private:
  std::string note_;
  std::vector<std::string> roles_;
  std::vector<const char *> role_pointers_;
  std::vector<const assay_tensor *> tensors_;
  std::vector<std::shared_ptr<const assay_tensor>> owned_;  // the shared ones of tensors_
  std::vector<uint32_t> bits_;
  assay_form form_{};
};

class quantizer_instance : public instance {
 public:
  quantizer_instance(const component &what, const json &config,
                     const instance_options &options = {}, const std::string &where = "");

  assay_needs needs(const assay_linear &layer);
  void observe(const assay_linear &layer, const assay_tensor &tokens);
  emitted_form quantize(const assay_linear &layer, const assay_stats *stats = nullptr);
  // stats[i] and the results belong to block.linears[i]; wanted[i] false leaves the linear as it is.
  std::vector<std::optional<emitted_form>> quantize_block(
      const assay_block &block, const std::vector<const assay_stats *> &stats,
      const std::vector<bool> &wanted);
  // out: f32 [out, in], contiguous, on the device of the form.
  void dequantize(const assay_form &form, const assay_tensor &out, const std::string &layer = "");
  std::optional<assay_estimate> estimate(const assay_linear &layer);  // nothing if it cannot tell

 private:
  const assay_quantizer_vtable &table() const;
};

}  // namespace assay::plug
