// The activations of all chunks between two stops of a block, in a file without a name: the kernel
// keeps as much of it in memory as there is to spare. Not the residual stream, which stays in memory.
#pragma once

#include <string>

#include "aten.hpp"

namespace assay::quant {

class stage_file {
 public:
  explicit stage_file(const std::string &folder);  // is made where absent; throws error(failed)
  ~stage_file();
  stage_file(const stage_file &) = delete;
  stage_file &operator=(const stage_file &) = delete;

  // Bytes from `offset` on; the same come back. Both throw error(failed) with the system's reason.
  void put(int64_t offset, const at::Tensor &values /* contiguous, on the CPU */);
  at::Tensor get(int64_t offset, at::IntArrayRef shape, at::ScalarType dtype) const;

 private:
  std::string folder_;
  int file_ = -1;
};

}  // namespace assay::quant
