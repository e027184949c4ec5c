// SHA-256: identities of files, configurations and stages.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace assay {

std::string sha256_hex(std::string_view bytes);  // 64 lower-case digits
// Reads the file piece by piece. Throws error(failed) naming the path where it cannot be read to its end.
std::string sha256_file_hex(const std::string &path);

// For data that arrives in pieces. hex() may be called once.
class sha256 {
 public:
  sha256();
  ~sha256();
  sha256(const sha256 &) = delete;
  sha256 &operator=(const sha256 &) = delete;
  void update(const void *bytes, size_t n_bytes);
  void update(std::string_view bytes) { update(bytes.data(), bytes.size()); }
  std::string hex();

 private:
  void *context_;
};

// First 8 bytes of SHA-256("a\0b\0...") as a number: a labelled seed, independent
// of scheduling order.
uint64_t labelled_seed(uint64_t study_seed, std::string_view component, std::string_view layer,
                       std::string_view label);

}  // namespace assay
