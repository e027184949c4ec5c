// Opens a device. For CUDA it first tries to load the NVIDIA driver. Only if that works, it loads
// LibTorch's CUDA libraries, so a machine without the driver never loads them.
#include "model/device.hpp"

#include <dlfcn.h>

#include <filesystem>
#include <mutex>

#include "core/error.hpp"

namespace assay::model {
namespace {

struct dtype_row {
  at::ScalarType type;
  const char *name, *brief;
};
constexpr dtype_row k_dtypes[] = {{at::kFloat, "float32", "fp32"},
                                  {at::kBFloat16, "bfloat16", "bf16"},
                                  {at::kHalf, "float16", "fp16"},
                                  {at::kDouble, "float64", "fp64"}};

std::string last_dl_error() {
  const char *text = ::dlerror();
  return text == nullptr ? "unknown reason" : text;
}

// Returns the path of a library in the folder of LibTorch's CPU library, which is loaded already.
std::string beside_torch_cpu(const char *library) {
  Dl_info info{};
  if (::dladdr(reinterpret_cast<const void *>(&at::globalContext), &info) == 0) return library;
  return (std::filesystem::path(info.dli_fname).parent_path() / library).string();
}

// Loads CUDA; returns "" or the reason why not. The libraries are loaded before at::hasCUDA() is
// called, because LibTorch would otherwise remember "no CUDA" for the whole process.
std::string load_cuda() {
  if (::dlopen("libcuda.so.1", RTLD_LAZY | RTLD_LOCAL) == nullptr)
    return "no NVIDIA driver was found (" + last_dl_error() + ")";
  if (::dlopen(beside_torch_cpu("libtorch_cuda.so").c_str(), RTLD_NOW | RTLD_GLOBAL) == nullptr)
    return "LibTorch's CUDA half could not be loaded (" + last_dl_error() +
           "); ./assay doctor says which wheels are missing";
  try {
    if (!at::hasCUDA()) return "LibTorch does not see CUDA";
    at::globalContext().lazyInitDevice(at::kCUDA);
  } catch (const std::exception &e) {
    const std::string text = e.what();
    return "CUDA did not start (" + text.substr(0, text.find('\n')) + ")";
  }
  return "";
}

}  // namespace

std::string why_no_cuda() {
  static std::once_flag once;
  static std::string reason;
  std::call_once(once, [] { reason = load_cuda(); });
  return reason;
}

at::Device open_device(const std::string &name) {
  if (name == "cpu" || name.empty()) return at::kCPU;
  const bool cuda = name == "cuda" || name.rfind("cuda:", 0) == 0;
  const std::string number = cuda && name.size() > 5 ? name.substr(5) : "0";
  if (!cuda || number.empty() || number.size() > 3 ||
      number.find_first_not_of("0123456789") != std::string::npos)
    throw error(error_kind::usage, "'" + name + "' is not a device")
        .hint("Use cpu, cuda or cuda:N");
  const std::string reason = why_no_cuda();
  if (!reason.empty())
    throw error(error_kind::failed, "no CUDA because " + reason).hint("Use --device cpu");
  const c10::DeviceIndex count = at::detail::getCUDAHooks().deviceCount();
  const int index = std::stoi(number);
  if (index >= count)
    throw error(error_kind::failed,
                "there is no device cuda:" + number + ", the machine has " + std::to_string(count));
  return at::Device(at::kCUDA, static_cast<c10::DeviceIndex>(index));
}

at::ScalarType parse_dtype(const std::string &name) {
  for (const dtype_row &row : k_dtypes)
    if (name == row.name || name == row.brief) return row.type;
  throw error(error_kind::usage, "'" + name + "' is not a compute dtype")
      .hint("Use float32, bfloat16, float16 or float64");
}

std::string dtype_name(at::ScalarType dtype) {
  for (const dtype_row &row : k_dtypes)
    if (dtype == row.type) return row.name;
  return c10::toString(dtype);
}

}  // namespace assay::model
