// SHA-256 (FIPS 180-4) of data that arrives in pieces: the content hash of a dataset.
// Not for secrets.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace parquet_dataset {

class sha256 {
 public:
  void update(std::string_view bytes);
  std::string hex();  // ends the hash; call once

 private:
  void block(const unsigned char *bytes);
  std::array<uint32_t, 8> state_ = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                    0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  std::array<unsigned char, 64> pending_{};
  size_t n_pending_ = 0;
  uint64_t total_bytes_ = 0;
};

}  // namespace parquet_dataset
