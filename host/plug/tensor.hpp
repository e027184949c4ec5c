// Tensors of the plugin interface (assay_tensor) without LibTorch: classes that own a tensor or view memory, and functions that tell
// shape and dtype. plug/bridge converts these tensors from and to at::Tensor.
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
// "f32", "u8"; "dtype(2, 8 bits, 1 lanes)" if it is not one of the above
std::string dtype_name(const assay_dtype &dtype);
bool is_known_dtype(const assay_dtype &dtype);
int64_t element_count(const assay_tensor &tensor);  // 1 for ndim 0
int64_t byte_count(const assay_tensor &tensor);     // of its elements, without gaps between them
// Row-major without gaps; NULL strides mean this too
bool is_contiguous(const assay_tensor &tensor);
std::string shape_text(const assay_tensor &tensor);  // "[576, 1536]"
std::string describe(const assay_tensor &tensor);    // "f32 [576, 1536] on cpu"

template <class T>
T *data_of(const assay_tensor &tensor) {
  return reinterpret_cast<T *>(static_cast<char *>(tensor.data) + tensor.byte_offset);
}

// A contiguous view of memory that somebody else owns. It holds the arrays of shape and strides to which assay_tensor points.
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

// Owns an assay_managed (a tensor with a deleter) and calls the deleter once.
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
  assay_managed *release();  // the caller owns it now and must call its deleter
  void reset();

 private:
  assay_managed *owned_ = nullptr;
};

// Counts the tensors that the host gives out, and can refuse one request for memory. The conformance suite (`assay check`) uses this
// to find leaks and to see how a plugin behaves without memory.
struct allocation_probe {
  std::atomic<int64_t> live{0};   // CPU tensors that were made and not yet deleted
  std::atomic<int64_t> calls{0};  // calls of alloc and scratch so far
  // Number of the call that gets no memory, counted from 1; 0 = none
  std::atomic<int64_t> fail_at{0};
};
allocation_probe &allocations();

// Makes a contiguous CPU tensor, aligned to 64 bytes, whose elements are not initialised. Throws error(failed) if there is no memory.
managed_tensor new_cpu_tensor(assay_dtype dtype, const std::vector<int64_t> &shape);

}  // namespace assay::plug
