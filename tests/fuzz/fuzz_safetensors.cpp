// Fuzzes the safetensors header: any bytes are refused with an error, or every tensor lies inside the file.
// Not the tensors' values, which are borrowed as they are.
#include <cstdint>

#include "checkpoint/safetensors_header.hpp"
#include "core/error.hpp"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  try {
    const auto header = assay::model::parse_safetensors_header(data, size, "f.safetensors");
    uint64_t cursor = 0;
    for (const auto &entry : header.entries) {
      if (entry.begin != cursor || header.data_begin + entry.end > size) __builtin_trap();
      cursor = entry.end;
    }
    if (header.data_begin + cursor != size) __builtin_trap();
  } catch (const assay::error &) {
  }
  return 0;
}
