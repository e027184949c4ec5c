// The header of a safetensors file: parsed, checked against every rule of the format, before any
// tensor is touched.
// Not the tensors (safetensors.cpp).
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace assay::model {

struct safetensors_entry {
  std::string name, dtype;
  std::vector<uint64_t> shape;
  uint64_t begin = 0, end = 0;  // bytes, relative to the data buffer
};

struct safetensors_header {
  std::vector<safetensors_entry> entries;  // sorted by offset
  std::vector<std::pair<std::string, std::string>> metadata;
  uint64_t data_begin = 0;  // bytes from the start of the file
};

// bytes: the whole file, mapped. Throws error(failed) at `where`; the rules are those of
// formats.md 1.2, in its order.
safetensors_header parse_safetensors_header(const uint8_t *bytes, uint64_t n_bytes,
                                            const std::string &where);

// Rank of a dtype in the format's ascending enum order, -1 for an unknown name; its size in bits.
int safetensors_dtype_rank(const std::string &name);
int safetensors_dtype_bits(int rank);

}  // namespace assay::model
