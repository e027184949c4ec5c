// Devices: turns "cpu" or "cuda:0" into an at::Device, loading CUDA only when it is asked for.
// Not kernels. The host links LibTorch's CPU half alone; its CUDA half comes by dlopen.
#pragma once

#include <string>

#include "aten.hpp"

namespace assay::model {

// Throws error(usage) for a name that is no device, error(failed) "no CUDA because ..." where it
// cannot be had.
at::Device open_device(const std::string &name);
// "" if CUDA works (and is then loaded), else the reason in one sentence.
std::string why_no_cuda();
// "float32" | "bfloat16" | "float16" | "float64" (also "fp32" "bf16" "fp16"); throws error(usage)
// with the list.
at::ScalarType parse_dtype(const std::string &name);
std::string dtype_name(at::ScalarType dtype);  // "float32", ...

}  // namespace assay::model
