// Fuzzes the reader of the safetensors header. It must either refuse the bytes with an error, or find tensors that fill
// the file one after another, without gaps. The values of tensors are not tested, since this reader does not read them.
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
