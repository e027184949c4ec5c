// Declares the exporter as plain functions, which plugin.cpp wraps in the C ABI, and its options.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "assay.hpp"
#include "blocks.hpp"

namespace gguf {

// The exception with which an exporter function tells the host what went wrong.
using assay_cpp::failure;

struct options {
  fit how = fit::exact;
  const tensor_type *float_type =
      nullptr;  // of matrices that stay float; nullptr = as they are stored
};

// where: a linear, a tensor or a key of the plan.
using refuse_fn = std::function<void(const std::string &where, const std::string &reason)>;

// checks.cpp: calls `refuse` for everything in the plan that a GGUF file cannot hold.
void check_plan(const options &o, std::string_view plan_json, const refuse_fn &refuse);
// writer.cpp: writes model.gguf.
void write_file(const options &o, const assay_export &job, const assay_cpp::host &host);

}  // namespace gguf
