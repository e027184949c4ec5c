// Converts between at::Tensor and assay_tensor; no other file does. assay_tensor has the memory layout of DLPack, a standard for
// exchanging tensors. LibTorch's own DLPack conversion is not used, because it refuses some dtypes.
#include "plug/bridge.hpp"

#include "core/error.hpp"
#include "plug/linalg.hpp"
#include "plug/services.hpp"

namespace assay::plug {
namespace {

struct pair_of_types {
  at::ScalarType torch;
  assay_dtype ours;
};
constexpr pair_of_types k_types[] = {
    {at::kFloat, k_f32}, {at::kHalf, k_f16}, {at::kBFloat16, k_bf16}, {at::kDouble, k_f64},
    {at::kByte, k_u8},   {at::kChar, k_i8},  {at::kShort, k_i16},     {at::kInt, k_i32},
    {at::kLong, k_i64},  {at::kBool, k_bool}};

assay_device abi_device(const at::Tensor &tensor) {
  if (tensor.is_cpu()) return k_cpu;
  if (tensor.is_cuda()) return {ASSAY_CUDA, tensor.get_device()};
  throw error(error_kind::failed,
              "tensors on " + tensor.device().str() + " cannot be handed to plugins");
}

at::Device torch_device(const assay_device &device) {
  if (device.type == ASSAY_CPU) return at::kCPU;
  if (device.type == ASSAY_CUDA) return {at::kCUDA, static_cast<c10::DeviceIndex>(device.index)};
  throw error(error_kind::plugin,
              "a tensor lies on the unknown device " + std::to_string(device.type));
}

void fill_view(const at::Tensor &tensor, std::vector<int64_t> &shape, std::vector<int64_t> &strides,
               assay_tensor &view) {
  shape = tensor.sizes().vec();
  strides = tensor.strides().vec();
  view.data = tensor.data_ptr();
  view.device = abi_device(tensor);
  view.ndim = static_cast<int32_t>(shape.size());
  view.dtype = dtype_of(tensor.scalar_type());
  view.shape = shape.data();
  view.strides = strides.data();
  view.byte_offset = 0;
}

// A tensor of the host that a plugin owns: it lives until the plugin calls the deleter.
struct handed_over {
  at::Tensor tensor;
  std::vector<int64_t> shape, strides;
  assay_managed managed{};
};

void delete_handed_over(assay_managed *self) {
  delete static_cast<handed_over *>(self->manager_ctx);
}

at::Tensor from_view(const assay_tensor &view, std::function<void(void *)> deleter) {
  const at::IntArrayRef shape(view.shape, static_cast<size_t>(view.ndim));
  const auto options =
      at::TensorOptions().dtype(scalar_type(view.dtype)).device(torch_device(view.device));
  void *data = data_of<void>(view);
  if (view.strides == nullptr) return at::from_blob(data, shape, std::move(deleter), options);
  const at::IntArrayRef strides(view.strides, static_cast<size_t>(view.ndim));
  return at::from_blob(data, shape, strides, deleter, options);
}

int32_t device_alloc(const assay_tensor *prototype, assay_managed **out) {
  const at::IntArrayRef shape(prototype->shape, static_cast<size_t>(prototype->ndim));
  const auto options = at::TensorOptions()
                           .dtype(scalar_type(prototype->dtype))
                           .device(torch_device(prototype->device));
  *out = hand_over(at::empty(shape, options)).release();
  return ASSAY_OK;
}

int32_t device_scratch(uint64_t bytes, const assay_device *device, std::shared_ptr<void> *owner,
                       void **out) {
  const auto options = at::TensorOptions().dtype(at::kByte).device(torch_device(*device));
  auto memory = std::make_shared<at::Tensor>(at::empty({static_cast<int64_t>(bytes)}, options));
  *out = memory->data_ptr();
  *owner = std::move(memory);
  return ASSAY_OK;
}

}  // namespace

assay_dtype dtype_of(at::ScalarType type) {
  for (const pair_of_types &pair : k_types)
    if (pair.torch == type) return pair.ours;
  throw error(error_kind::failed,
              std::string("tensors of ") + c10::toString(type) + " cannot be handed to plugins");
}

at::ScalarType scalar_type(const assay_dtype &dtype) {
  for (const pair_of_types &pair : k_types)
    if (same_dtype(pair.ours, dtype)) return pair.torch;
  throw error(error_kind::failed, "there is no tensor type for " + dtype_name(dtype));
}

tensor_ref::tensor_ref(at::Tensor tensor) {
  if (!tensor.defined()) return;
  state_ = std::make_shared<state>();
  state_->tensor = std::move(tensor);
  fill_view(state_->tensor, state_->shape, state_->strides, state_->view);
}

at::Tensor adopt(managed_tensor owned) {
  // from_blob calls the deleter with the data pointer only, so the lambda holds the owner.
  auto shared = std::make_shared<managed_tensor>(std::move(owned));
  return from_view(shared->view(), [shared](void *) { shared->reset(); });
}

at::Tensor borrow(const assay_tensor &view) {
  return from_view(view, [](void *) {});
}

managed_tensor hand_over(at::Tensor tensor) {
  auto holder = std::make_unique<handed_over>();
  holder->tensor = std::move(tensor);
  fill_view(holder->tensor, holder->shape, holder->strides, holder->managed.tensor);
  holder->managed.version_major = 1;
  holder->managed.manager_ctx = holder.get();
  holder->managed.deleter = delete_handed_over;
  return managed_tensor(&holder.release()->managed);
}

void install_tensor_services() {
  device_services services;
  services.alloc = device_alloc;
  services.scratch = device_scratch;
  install_device_services(services);
  provide_extension(ASSAY_EXT_LINALG, &linalg_table());
}

}  // namespace assay::plug
