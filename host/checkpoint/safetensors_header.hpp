// Parses the header of a safetensors file and checks it against every rule of the format, before
// any tensor is used.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace assay::model {

struct safetensors_entry {
  std::string name, dtype;
  std::vector<uint64_t> shape;
  uint64_t begin = 0, end = 0;  // bytes, relative to data_begin
};

struct safetensors_header {
  std::vector<safetensors_entry> entries;  // sorted by offset
  std::vector<std::pair<std::string, std::string>> metadata;
  uint64_t data_begin = 0;  // bytes from the start of the file
};

// bytes: the whole file in memory. where: the file's path, for messages. Makes the checks of
// FORMATS.md, "Safetensors header", in the order of that list, except that place and size are checked
// together, one tensor after the other. Throws error(failed) at the first check that fails.
safetensors_header parse_safetensors_header(const uint8_t *bytes, uint64_t n_bytes,
                                            const std::string &where);

// Returns the place of a dtype in the format's order; -1 for an unknown name. The second function
// returns the size in bits of an element of the dtype at that place.
int safetensors_dtype_rank(const std::string &name);
int safetensors_dtype_bits(int rank);

}  // namespace assay::model
