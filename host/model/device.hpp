// Turns names such as "cpu" and "cuda:0" into an at::Device, and names of dtypes into dtypes. The
// program links only LibTorch's CPU libraries; the CUDA libraries are loaded by dlopen when a CUDA
// device is asked for.
#pragma once

#include <string>

#include "aten.hpp"

namespace assay::model {

// "" means "cpu". Throws error(usage) for a name that is no device, error(failed) "no CUDA because ..." if
// CUDA does not work, and error(failed) if the machine has no device of this number.
at::Device open_device(const std::string &name);
// Tries to load CUDA. Returns "" if it works, else the reason in one sentence.
std::string why_no_cuda();
// Reads "float32", "bfloat16", "float16" or "float64" (also "fp32", "bf16", "fp16", "fp64"). Throws
// error(usage) for another name.
at::ScalarType parse_dtype(const std::string &name);
std::string dtype_name(at::ScalarType dtype);  // "float32", ...

}  // namespace assay::model
