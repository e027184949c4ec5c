// Prepares one quantized linear for the file: checks its tensors and makes the entries of the file from them.
// A *form* is the list of codes, scales and other tensors that a quantizer emitted. A form that the file
// format cannot hold is an error.
#pragma once

#include <vector>

#include "checks.hpp"
#include "folder_writer.hpp"

namespace hf {

// The tensors of a form by their roles. They belong to the host.
struct form_parts {
  const assay_tensor *codes = nullptr, *scales = nullptr, *zeros = nullptr;
  const assay_tensor *divisor = nullptr;  // nvfp4: the number by which all scales are divided
  const assay_tensor *input_scale = nullptr, *input_zero = nullptr;  // the static grid of inputs
  int64_t out = 0, in = 0, groups = 0;
  scheme grid;
  uint8_t offset = 0;  // added to a code before it is stored
};

// Finds and checks the tensors of an item. rounded_inputs: the recipe rounds the inputs of linears. Throws
// failure that names what the format cannot hold.
form_parts parts_of(const options &o, const assay_item &item, bool rounded_inputs);
// Appends the entries of one form (folder_writer.hpp). The codes are large, so their entry holds no bytes:
// code_bytes returns them. All other entries hold their bytes.
void declare_form(const assay_item &item, const form_parts &v, std::vector<entry> &entries);
// Returns the bytes of the codes. `buffer` holds them if they must be packed.
byte_view code_bytes(const assay_host &host, const form_parts &v, std::vector<uint8_t> &buffer);

}  // namespace hf
