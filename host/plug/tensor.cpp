// Describes tensors of the plugin interface (shape, dtype, size), makes CPU tensors, and moves and frees them.
#include "plug/tensor.hpp"

#include <cstdlib>
#include <memory>
#include <utility>

#include "core/error.hpp"

namespace assay::plug {
namespace {

// The size of a cache line and of the widest vector register
constexpr size_t k_alignment_bytes = 64;

struct named_dtype {
  assay_dtype dtype;
  const char *name;
};
constexpr named_dtype k_dtypes[] = {
    {k_f32, "f32"}, {k_f16, "f16"}, {k_bf16, "bf16"}, {k_f64, "f64"}, {k_u8, "u8"},
    {k_i8, "i8"},   {k_i16, "i16"}, {k_i32, "i32"},   {k_i64, "i64"}, {k_bool, "bool"}};

// What new_cpu_tensor makes: the struct, the arrays of shape and strides, and the data. The deleter frees them together.
struct cpu_storage {
  assay_managed managed{};
  std::vector<int64_t> shape, strides;
  void *data = nullptr;
};

void delete_cpu_storage(assay_managed *self) {
  auto *storage = static_cast<cpu_storage *>(self->manager_ctx);
  std::free(storage->data);
  delete storage;
  --allocations().live;
}

}  // namespace

allocation_probe &allocations() {
  static auto *only = new allocation_probe();
  return *only;
}

bool same_dtype(const assay_dtype &a, const assay_dtype &b) {
  return a.code == b.code && a.bits == b.bits && a.lanes == b.lanes;
}

bool is_known_dtype(const assay_dtype &dtype) {
  for (const named_dtype &known : k_dtypes)
    if (same_dtype(known.dtype, dtype)) return true;
  return false;
}

std::string dtype_name(const assay_dtype &dtype) {
  for (const named_dtype &known : k_dtypes)
    if (same_dtype(known.dtype, dtype)) return known.name;
  return "dtype(" + std::to_string(dtype.code) + ", " + std::to_string(dtype.bits) + " bits, " +
         std::to_string(dtype.lanes) + " lanes)";
}

int64_t element_count(const assay_tensor &tensor) {
  int64_t count = 1;
  for (int32_t i = 0; i < tensor.ndim; ++i) count *= tensor.shape[i];
  return count;
}

int64_t byte_count(const assay_tensor &tensor) {
  return element_count(tensor) * (tensor.dtype.bits / 8) * tensor.dtype.lanes;
}

bool is_contiguous(const assay_tensor &tensor) {
  if (tensor.strides == nullptr) return true;
  int64_t step = 1;
  for (int32_t i = tensor.ndim - 1; i >= 0; --i) {
    // The stride of a dimension with fewer than 2 entries is never used, and programs write different values there.
    if (tensor.shape[i] > 1 && tensor.strides[i] != step) return false;
    step *= tensor.shape[i];
  }
  return true;
}

std::string shape_text(const assay_tensor &tensor) {
  std::string text = "[";
  for (int32_t i = 0; i < tensor.ndim; ++i)
    text += (i == 0 ? "" : ", ") + std::to_string(tensor.shape[i]);
  return text + "]";
}

std::string describe(const assay_tensor &tensor) {
  std::string text = dtype_name(tensor.dtype) + " " + shape_text(tensor) + " on ";
  if (tensor.device.type == ASSAY_CPU) return text + "cpu";
  if (tensor.device.type == ASSAY_CUDA) return text + "cuda:" + std::to_string(tensor.device.index);
  return text + "device " + std::to_string(tensor.device.type);
}

tensor_view::tensor_view(const void *data, assay_dtype dtype, std::vector<int64_t> shape,
                         assay_device device)
    : shape_(std::move(shape)), strides_(shape_.size(), 1) {
  for (size_t i = shape_.size(); i-- > 1;) strides_[i - 1] = strides_[i] * shape_[i];
  // The struct assay_tensor has no const; the contract says which tensors a plugin may write.
  tensor_.data = const_cast<void *>(data);
  tensor_.device = device;
  tensor_.ndim = static_cast<int32_t>(shape_.size());
  tensor_.dtype = dtype;
  tensor_.shape = shape_.data();
  tensor_.strides = strides_.data();
}

tensor_view &tensor_view::operator=(tensor_view &&other) noexcept {
  // A move keeps the memory of the vector, so the pointers in tensor_ stay valid
  shape_ = std::move(other.shape_);
  strides_ = std::move(other.strides_);
  tensor_ = other.tensor_;
  return *this;
}

managed_tensor &managed_tensor::operator=(managed_tensor &&other) noexcept {
  if (this != &other) {
    reset();
    owned_ = other.release();
  }
  return *this;
}

assay_managed *managed_tensor::release() {
  return std::exchange(owned_, nullptr);
}

void managed_tensor::reset() {
  assay_managed *gone = release();
  if (gone != nullptr && gone->deleter != nullptr) gone->deleter(gone);
}

managed_tensor new_cpu_tensor(assay_dtype dtype, const std::vector<int64_t> &shape) {
  auto storage = std::make_unique<cpu_storage>();
  storage->shape = shape;
  storage->strides.assign(shape.size(), 1);
  for (size_t i = shape.size(); i-- > 1;) storage->strides[i - 1] = storage->strides[i] * shape[i];
  assay_managed &managed = storage->managed;
  managed.version_major = 1;
  managed.manager_ctx = storage.get();
  managed.deleter = delete_cpu_storage;
  managed.tensor.device = k_cpu;
  managed.tensor.ndim = static_cast<int32_t>(shape.size());
  managed.tensor.dtype = dtype;
  managed.tensor.shape = storage->shape.data();
  managed.tensor.strides = storage->strides.data();
  const size_t bytes = static_cast<size_t>(byte_count(managed.tensor));
  const size_t rounded = (bytes + k_alignment_bytes) / k_alignment_bytes * k_alignment_bytes;
  storage->data = std::aligned_alloc(k_alignment_bytes, rounded);
  if (storage->data == nullptr)
    throw error(error_kind::failed, "not enough memory for a tensor " + describe(managed.tensor));
  managed.tensor.data = storage->data;
  ++allocations().live;
  return managed_tensor(&storage.release()->managed);
}

}  // namespace assay::plug
