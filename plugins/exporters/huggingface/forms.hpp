// One quantized linear as the file holds it: its tensors by role, checked, and the entries they
// become. What does not fit is an error; nothing is chosen here.
#pragma once

#include <vector>

#include "checks.hpp"
#include "folder_writer.hpp"

namespace hf {

struct form_view {
  const assay_tensor *codes = nullptr, *scales = nullptr, *zeros = nullptr;
  const assay_tensor *divisor = nullptr;                             // of a whole nvfp4 matrix
  const assay_tensor *input_scale = nullptr, *input_zero = nullptr;  // static inputs
  int64_t out = 0, in = 0, groups = 0;
  scheme grid;
  uint8_t offset = 0;  // added to a code to store it
};

// Throws failure naming what the format cannot hold.
form_view view_of(const options &o, const assay_item &item, bool rounded_inputs);
// The entries of one form; only the codes have no bytes of their own.
void declare_form(const assay_item &item, const form_view &v, std::vector<entry> &entries);
// The bytes of the codes, in `buffer` where they have to be packed.
byte_view code_bytes(const assay_host &host, const form_view &v, std::vector<uint8_t> &buffer);

}  // namespace hf
