// Dequantizes the block formats of ggml, in plain loops over bytes (FORMATS.md, "GGUF blocks").
#pragma once

#include <cstdint>
#include <string>

namespace assay::model {

struct ggml_format {
  int type;            // ggml type id
  const char *name;    // "Q4_1"
  int block_elements;  // along the row
  int block_bytes;
  double bits;    // per weight, scales included
  int code_bits;  // 0 = a float
  int group;      // elements that share a scale; 0 = a float
  // n_blocks blocks at `in` become n_blocks * block_elements floats.
  void (*dequantize)(const uint8_t *in, float *out, int64_t n_blocks);
};

const ggml_format *find_ggml_format(int type);  // static; null if unsupported
const ggml_format *find_ggml_format(const std::string &name);
std::string supported_ggml_formats();  // "F32, F16, ..."

}  // namespace assay::model
