// Holds the inputs of all chunks at one stop of a block in a file without a name, which vanishes with
// the process. The operating system keeps as much of the file in memory as there is free memory.
// The residual stream (the hidden states to which each block adds) is not in the file.
#pragma once

#include <string>

#include "aten.hpp"

namespace assay::quant {

class activation_file {
 public:
  // Makes the folder if it does not exist, and the file in it. Throws error(failed).
  explicit activation_file(const std::string &folder);
  ~activation_file();
  activation_file(const activation_file &) = delete;
  activation_file &operator=(const activation_file &) = delete;

  // put writes the values from byte `offset` of the file on; get reads them back. Both throw
  // error(failed) with the system's reason.
  void put(int64_t offset, const at::Tensor &values /* contiguous, on the CPU */);
  at::Tensor get(int64_t offset, at::IntArrayRef shape, at::ScalarType dtype) const;

 private:
  std::string folder_;
  int file_ = -1;
};

}  // namespace assay::quant
