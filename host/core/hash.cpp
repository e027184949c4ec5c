// Computes SHA-256 with OpenSSL's libcrypto.
#include "core/hash.hpp"

#include <openssl/evp.h>

#include "core/file.hpp"

namespace assay {
namespace {

EVP_MD_CTX *as_context(void *p) {
  return static_cast<EVP_MD_CTX *>(p);
}

std::string to_hex(const unsigned char *digest, unsigned n) {
  static const char digits[] = "0123456789abcdef";
  std::string out;
  for (unsigned i = 0; i < n; ++i) {
    out += digits[digest[i] >> 4];
    out += digits[digest[i] & 15];
  }
  return out;
}

}  // namespace

sha256::sha256() : context_(EVP_MD_CTX_new()) {
  EVP_DigestInit_ex(as_context(context_), EVP_sha256(), nullptr);
}

sha256::~sha256() {
  EVP_MD_CTX_free(as_context(context_));
}

void sha256::update(const void *bytes, size_t n_bytes) {
  EVP_DigestUpdate(as_context(context_), bytes, n_bytes);
}

std::string sha256::hex() {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned n = 0;
  EVP_DigestFinal_ex(as_context(context_), digest, &n);
  return to_hex(digest, n);
}

std::string sha256_hex(std::string_view bytes) {
  sha256 h;
  h.update(bytes);
  return h.hex();
}

std::string sha256_file_hex(const std::string &path) {
  sha256 h;
  read_pieces(path, [&](std::string_view piece) { h.update(piece); });
  return h.hex();
}

uint64_t labelled_seed(uint64_t study_seed, std::string_view component, std::string_view layer,
                       std::string_view label) {
  sha256 h;
  h.update(std::to_string(study_seed));
  for (std::string_view part : {component, layer, label}) {
    h.update("\0", 1);
    h.update(part);
  }
  return std::stoull(h.hex().substr(0, 16), nullptr, 16);
}

}  // namespace assay
