// Fuzzes the reader of the safetensors header. Any bytes are either refused with an error, or the tensors fill the file
// one after another without gaps. Values are not tested, since the reader only points to them.
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
