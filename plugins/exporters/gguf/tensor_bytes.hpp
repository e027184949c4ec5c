// The bytes of one tensor of the file, made of one item of the host: a float tensor, or the form of
// a quantized linear.
#pragma once

#include <string>

#include "container.hpp"
#include "exporters.hpp"
#include "plan.hpp"

namespace gguf {

// Counts what the file holds in another way than the model. minima, floats: numbers that were rounded.
// larger: linears that take more bits in the file than the host counts.
struct differences {
  int64_t minima = 0, floats = 0, larger = 0;
};

// Throws failure that names the item.
[[noreturn]] void refuse(const assay_item &item, const std::string &why);

grid grid_of_form(const assay_form &form);
const tensor_type *stored_type(const assay_item &item);  // of a float tensor
const uint8_t *data_of(const assay_tensor &tensor);

// The numbers of a tensor in the type and order of the entry.
std::string float_bytes(const assay_item &item, const entry &e, const assay_cpp::host &host,
                        differences &done);
// The blocks of a form. Throws failure for tensors that no block holds.
std::string block_bytes(const assay_item &item, const entry &e, const assay_cpp::host &host,
                        differences &done);

}  // namespace gguf
