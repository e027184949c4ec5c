// The exporters of this plugin as plain functions. plugin.cpp wraps them in the C ABI.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "assay.h"

namespace hf {

struct options {
  uint64_t shard_bytes = 5'000'000'000;
  bool allow_unfused = false;
  bool dense_packing = false;  // 3, 5, 6, 7 bits, as compressed-tensors 0.17 and later pack them
};

using refuse_fn = std::function<void(const std::string &where, const std::string &reason)>;

// compressed_tensors.cpp: integer weights, packed.
void check_compressed(const options &o, std::string_view plan_json, const refuse_fn &refuse);
void write_compressed(const options &o, const assay_export &job, const assay_host &host);

// transposed.cpp: integer grids in words of [in, out].
void check_gptq(const options &o, std::string_view plan_json, const refuse_fn &refuse);
void write_gptq(const options &o, const assay_export &job, const assay_host &host);
void check_awq(const options &o, std::string_view plan_json, const refuse_fn &refuse);
void write_awq(const options &o, const assay_export &job, const assay_host &host);

// dense.cpp: float weights as they are.
void check_dense(const options &o, std::string_view plan_json, const refuse_fn &refuse);
void write_dense(const options &o, const assay_export &job, const assay_host &host);

}  // namespace hf
