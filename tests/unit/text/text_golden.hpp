// Reads the golden files for the tests of host/text.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <string>
#include <vector>

#include "core/file.hpp"
#include "core/json.hpp"

namespace assay::text {

inline std::string golden_path(const std::string &name) {
  return std::string(ASSAY_SOURCE_DIR) + "/tests/golden/" + name;
}

inline json golden(const std::string &name) {
  return read_json_file(golden_path(name));
}

// Returns the folder of optional test data: $ASSAY_SHARED, or ../shared beside the source
// tree; "" if it does not exist.
inline std::string shared_folder() {
  const char *set = std::getenv("ASSAY_SHARED");
  const std::string path = set ? set : std::string(ASSAY_SOURCE_DIR) + "/../shared";
  return std::filesystem::is_directory(path) ? path : "";
}

// Returns the CRC-32 (as zlib's crc32) of the ids as little-endian int32; make_tokenizer_goldens.py computes the same.
inline uint32_t ids_check(const std::vector<int32_t> &ids) {
  uint32_t crc = ~0u;
  for (const int32_t id : ids)
    for (int shift = 0; shift < 32; shift += 8) {
      crc ^= static_cast<uint32_t>(id) >> shift & 0xFF;
      for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ (crc & 1 ? 0xEDB88320u : 0u);
    }
  return ~crc;
}

}  // namespace assay::text
