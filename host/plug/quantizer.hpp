// Calls a quantizer plugin: a weight matrix and statistics of its inputs go in, checked tensors (codes, scales, ...) come out.
// The room quant decides the order of the matrices.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "plug/instance.hpp"
#include "plug/tensor.hpp"

namespace assay::plug {

struct emitted_tensor {
  // What it is: "codes", "scales", ... (table in plugin_api/assay/quantizer.h)
  std::string role;
  managed_tensor tensor;  // contiguous
  // Bits of one element in a file, for example 4 for a 4-bit code that is held in a byte here
  uint32_t packed_bits = 0;
};

// A quantized weight matrix [out_features, in_features] as the plugin emitted it.
struct emitted_form {
  int64_t out_features = 0, in_features = 0;
  // In the order in which they were emitted
  std::vector<emitted_tensor> tensors;
  // The facts that the plugin noted about the form: "bits", "group_size", ...
  json note = json::object();
  const emitted_tensor *find(const std::string &role) const;  // nullptr if absent
  // Bits of all tensors in a file: for each tensor, its elements times its packed_bits
  double packed_bits() const;
};

// A quantized weight matrix in the form in which plugins receive it (assay_form), for dequantize and for exporters.
class form_view {
 public:
  explicit form_view(const emitted_form &form);  // `form` must outlive the view
  form_view(int64_t out_features, int64_t in_features, std::string note_json);
  // The first add keeps only a pointer to `tensor`, the second one shares its ownership. packed_bits 0 means all bits of the dtype.
  void add(const std::string &role, const assay_tensor &tensor, uint32_t packed_bits);
  void add(const std::string &role, std::shared_ptr<const assay_tensor> tensor,
           uint32_t packed_bits);
  const assay_form *get();  // valid until the next add and as long as this object lives

 private:
  std::string note_;
  std::vector<std::string> roles_;
  std::vector<const char *> role_pointers_;
  std::vector<const assay_tensor *> tensors_;
  // Keeps the shared tensors of tensors_ alive
  std::vector<std::shared_ptr<const assay_tensor>> owned_;
  std::vector<uint32_t> bits_;
  assay_form form_{};
};

class quantizer_instance : public instance {
 public:
  quantizer_instance(const component &what, const json &config,
                     const instance_options &options = {}, const std::string &where = "");

  // Returns which statistics of the matrix's input the plugin needs, and how the plugin must be called
  assay_needs needs(const assay_linear &layer);
  // `tokens` are inputs of the matrix, f32 [n, in].
  void observe(const assay_linear &layer, const assay_tensor &tokens);
  emitted_form quantize(const assay_linear &layer, const assay_stats *stats = nullptr);
  // Quantizes the matrices of a whole decoder layer in one call. stats[i] and result i belong to block.linears[i]. Where wanted[i]
  // is false, the matrix stays as it is and result i is empty.
  std::vector<std::optional<emitted_form>> quantize_block(
      const assay_block &block, const std::vector<const assay_stats *> &stats,
      const std::vector<bool> &wanted);
  // Writes the weights that the form stands for to `out`: f32 [out, in], contiguous, on the device of the form.
  void dequantize(const assay_form &form, const assay_tensor &out, const std::string &layer = "");
  // Returns what quantizing the matrix will cost; nullopt if the plugin has no estimate
  std::optional<assay_estimate> estimate(const assay_linear &layer);

 private:
  const assay_quantizer_vtable &table() const;
};

}  // namespace assay::plug
