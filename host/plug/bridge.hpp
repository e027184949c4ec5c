// at::Tensor <-> ABI tensors, and the services that need LibTorch. The only part of plug/ that sees
// ATen; a library of its own (assay_bridge), which the front program and the scanner do not link.
#pragma once

#include <assay.h>

#include <vector>

#include "aten.hpp"
#include "plug/tensor.hpp"

namespace assay::plug {

// Puts allocation on any device, streams and assay.linalg/1 behind the host table. Once, at start.
void install_tensor_services();

// x Wᵀ of fp32 matrices on the CPU, both contiguous: what assay.linalg/1 uses in place of LibTorch's
// product where sums are long. The model layer has one.
using product_fn = at::Tensor (*)(const at::Tensor &x, const at::Tensor &weight);
void use_product(product_fn product);

// A borrowed view of a tensor, which it keeps alive. Movable; the pointer stays valid.
class tensor_ref {
 public:
  tensor_ref() = default;
  explicit tensor_ref(at::Tensor tensor);  // throws error(failed) for a dtype that cannot cross
  const assay_tensor *get() const { return state_ ? &state_->view : nullptr; }  // null if undefined
  // The view, which keeps the tensor alive without this object.
  std::shared_ptr<const assay_tensor> share() const { return {state_, get()}; }
  const at::Tensor &tensor() const { return state_->tensor; }

 private:
  struct state {
    at::Tensor tensor;
    std::vector<int64_t> shape, strides;
    assay_tensor view{};
  };
  std::shared_ptr<state> state_;
};

at::Tensor adopt(managed_tensor owned);  // takes over, no copy; the deleter runs with the last use
at::Tensor borrow(const assay_tensor &view);  // no copy, no ownership
managed_tensor hand_over(at::Tensor tensor);  // an owned ABI tensor that keeps `tensor` alive
at::ScalarType scalar_type(const assay_dtype &dtype);  // throws error(failed) if there is none
assay_dtype dtype_of(at::ScalarType type);

}  // namespace assay::plug
