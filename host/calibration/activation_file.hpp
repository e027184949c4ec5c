// Holds the inputs of all chunks at one stop of a block in a file without a name. The kernel keeps
// as much of the file in memory as there is to spare. The residual stream is not in it.
#pragma once

#include <string>

#include "aten.hpp"

namespace assay::quant {

class activation_file {
 public:
  explicit activation_file(const std::string &folder);  // makes the folder; throws error(failed)
  ~activation_file();
  activation_file(const activation_file &) = delete;
  activation_file &operator=(const activation_file &) = delete;

  // Writes bytes from `offset` on, and reads them back. Both throw error(failed) with
  // the system's reason.
  void put(int64_t offset, const at::Tensor &values /* contiguous, on the CPU */);
  at::Tensor get(int64_t offset, at::IntArrayRef shape, at::ScalarType dtype) const;

 private:
  std::string folder_;
  int file_ = -1;
};

}  // namespace assay::quant
