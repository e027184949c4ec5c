// SHA-256, which identifies files, configurations and stored results, and random seeds that are made from labels.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace assay {

std::string sha256_hex(std::string_view bytes);  // 64 lower-case hexadecimal digits
// Reads the file piece by piece. Throws error(failed) with the path if the file cannot be read to its end.
std::string sha256_file_hex(const std::string &path);

// For data that arrives in pieces. hex() ends the computation: call it once, and call update() no more.
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
  void *context_;  // an EVP_MD_CTX of OpenSSL
};

// A seed that depends only on these four values, never on the order in which threads ask for seeds. It is made of the first 8
// bytes of the SHA-256 of "STUDY_SEED\0COMPONENT\0LAYER\0LABEL", read as a big-endian number.
uint64_t labelled_seed(uint64_t study_seed, std::string_view component, std::string_view layer,
                       std::string_view label);

}  // namespace assay
