// Turns "cpu" or "cuda:0" into an at::Device. The host links only LibTorch's CPU half; the CUDA
// half is loaded by dlopen when it is asked for.
#pragma once

#include <string>

#include "aten.hpp"

namespace assay::model {

// Throws error(usage) for a name that is no device, and error(failed) "no CUDA because ..." where
// CUDA does not work.
at::Device open_device(const std::string &name);
// Returns "" if CUDA works (and is then loaded), else the reason in one sentence.
std::string why_no_cuda();
// Reads "float32" | "bfloat16" | "float16" | "float64" (also "fp32" "bf16" "fp16"); throws
// error(usage) with this list.
at::ScalarType parse_dtype(const std::string &name);
std::string dtype_name(at::ScalarType dtype);  // "float32", ...

}  // namespace assay::model
