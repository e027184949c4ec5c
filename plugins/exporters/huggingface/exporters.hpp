// Declares the exporters of this plugin as plain functions. plugin.cpp wraps them in the C ABI. A check_
// function calls `refuse` for everything in the plan that the format cannot hold. A write_ function
// writes the folder and throws failure if that is not possible.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "assay.h"

namespace hf {

struct options {
  uint64_t shard_bytes = 5'000'000'000;  // largest weights file
  bool allow_unfused = false;            // q, k, v (and gate, up) may have different grids
  bool dense_packing = false;  // write 3, 5, 6, 7 bits as compressed-tensors 0.17 and later do
};

// where: a linear, an operation or a key of the plan.
using refuse_fn = std::function<void(const std::string &where, const std::string &reason)>;

// compressed_tensors.cpp: integer and small-float weights in the layouts of compressed-tensors.
void check_compressed(const options &o, std::string_view plan_json, const refuse_fn &refuse);
void write_compressed(const options &o, const assay_export &job, const assay_host &host);

// transposed.cpp: integer weights as matrices [in, out], the transpose of the model's.
void check_gptq(const options &o, std::string_view plan_json, const refuse_fn &refuse);
void write_gptq(const options &o, const assay_export &job, const assay_host &host);
void check_awq(const options &o, std::string_view plan_json, const refuse_fn &refuse);
void write_awq(const options &o, const assay_export &job, const assay_host &host);

// dense.cpp: float weights, unchanged.
void check_dense(const options &o, std::string_view plan_json, const refuse_fn &refuse);
void write_dense(const options &o, const assay_export &job, const assay_host &host);

}  // namespace hf
