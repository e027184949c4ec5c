// Converts LibTorch's at::Tensor from and to tensors of the plugin interface, and installs the services that need LibTorch. Only
// this file and plug/linalg use ATen in plug/. They are the library assay_bridge, which assay and assay-scan do not link.
#pragma once

#include <assay.h>

#include <vector>

#include "aten.hpp"
#include "plug/tensor.hpp"

namespace assay::plug {

// Adds the functions for memory on any device and the extension assay.linalg/1 to the host table. Call
// this once at start.
void install_tensor_services();

// A function that returns x weightᵀ of two contiguous fp32 matrices on the CPU. After use_product, gemm of
// assay.linalg/1 calls this function in place of LibTorch's product if the matrices are fp32 on the CPU, the
// left one is contiguous, and each sum has 256 terms or more. The room kernels has such a function, but plug may
// not include that room.
using product_fn = at::Tensor (*)(const at::Tensor &x, const at::Tensor &weight);
void use_product(product_fn product);

// A view (assay_tensor) of an at::Tensor, which it keeps alive. It can be copied and moved; the pointer that get()
// returned stays valid as long as one copy exists.
class tensor_ref {
 public:
  tensor_ref() = default;
  // Throws error(failed) for a dtype that the plugin interface does not have
  explicit tensor_ref(at::Tensor tensor);
  // Returns nullptr for an undefined tensor.
  const assay_tensor *get() const { return state_ ? &state_->view : nullptr; }
  // A shared view, which keeps the tensor alive even when this object is gone.
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

// None of the next three functions copies memory. adopt: the result owns the memory of `owned`, whose deleter runs
// after the last use.
at::Tensor adopt(managed_tensor owned);
// The memory of `view` must outlive the result
at::Tensor borrow(const assay_tensor &view);
// The result keeps `tensor` alive until the result's deleter is called
managed_tensor hand_over(at::Tensor tensor);
// Both throw error(failed) if the other side has no such dtype
at::ScalarType scalar_type(const assay_dtype &dtype);
assay_dtype dtype_of(at::ScalarType type);

}  // namespace assay::plug
