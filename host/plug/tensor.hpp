// ABI tensors in host hands, without LibTorch: owners, views with storage, plain questions about
// them. Not the way from and to at::Tensor, which is plug/bridge.
#pragma once

#include <assay.h>

#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

namespace assay::plug {

constexpr assay_dtype k_f32{ASSAY_FLOAT, 32, 1}, k_f16{ASSAY_FLOAT, 16, 1},
    k_bf16{ASSAY_BFLOAT, 16, 1}, k_f64{ASSAY_FLOAT, 64, 1}, k_u8{ASSAY_UINT, 8, 1},
    k_i8{ASSAY_INT, 8, 1}, k_i16{ASSAY_INT, 16, 1}, k_i32{ASSAY_INT, 32, 1},
    k_i64{ASSAY_INT, 64, 1}, k_bool{ASSAY_BOOL, 8, 1};
constexpr assay_device k_cpu{ASSAY_CPU, 0};

bool same_dtype(const assay_dtype &a, const assay_dtype &b);
std::string dtype_name(const assay_dtype &dtype);  // "f32", "bf16", "u8"; "float:8x1" if unknown
bool is_known_dtype(const assay_dtype &dtype);
int64_t element_count(const assay_tensor &tensor);   // 1 for ndim 0
int64_t byte_count(const assay_tensor &tensor);      // of its elements, dense
bool is_contiguous(const assay_tensor &tensor);      // row-major; NULL strides count as such
std::string shape_text(const assay_tensor &tensor);  // "[576, 1536]"
std::string describe(const assay_tensor &tensor);    // "f32 [576, 1536] on cpu"

template <class T>
T *data_of(const assay_tensor &tensor) {
  return reinterpret_cast<T *>(static_cast<char *>(tensor.data) + tensor.byte_offset);
}

// A borrowed view together with the storage of its shape and strides. Contiguous.
class tensor_view {
 public:
  tensor_view() = default;
  tensor_view(const void *data, assay_dtype dtype, std::vector<int64_t> shape,
              assay_device device = k_cpu);
  tensor_view(tensor_view &&other) noexcept { *this = std::move(other); }
  tensor_view &operator=(tensor_view &&other) noexcept;
  const assay_tensor *get() const { return &tensor_; }
  const assay_tensor &operator*() const { return tensor_; }

 private:
  std::vector<int64_t> shape_, strides_;
  assay_tensor tensor_{};
};

// Owns an assay_managed: calls its deleter once.
class managed_tensor {
 public:
  managed_tensor() = default;
  explicit managed_tensor(assay_managed *owned) : owned_(owned) {}
  ~managed_tensor() { reset(); }
  managed_tensor(managed_tensor &&other) noexcept : owned_(other.release()) {}
  managed_tensor &operator=(managed_tensor &&other) noexcept;
  managed_tensor(const managed_tensor &) = delete;
  managed_tensor &operator=(const managed_tensor &) = delete;

  explicit operator bool() const { return owned_ != nullptr; }
  assay_managed *get() const { return owned_; }
  const assay_tensor &view() const { return owned_->tensor; }
  assay_managed *release();  // own: the caller's now
  void reset();

 private:
  assay_managed *owned_ = nullptr;
};

// Every tensor and scratch block that the host gives out on the CPU, for the conformance suite.
struct allocation_probe {
  std::atomic<int64_t> live{0};     // tensors not yet deleted
  std::atomic<int64_t> calls{0};    // of alloc and scratch so far
  std::atomic<int64_t> fail_at{0};  // the call with this number gets no memory; 0 = none
};
allocation_probe &allocations();

// A fresh contiguous CPU tensor, 64-byte aligned, uninitialised. Throws
// error(failed) without memory.
managed_tensor new_cpu_tensor(assay_dtype dtype, const std::vector<int64_t> &shape);

}  // namespace assay::plug
