// Dequantizes the block formats of ggml, the tensor library behind GGUF files, in plain loops over
// bytes (FORMATS.md, "GGUF blocks").
#pragma once

#include <cstdint>
#include <string>

namespace assay::model {

// The values of the codes of IQ4_NL and IQ4_XS (ggml-org/ggml, src/ggml-common.h, kvalues_iq4nl).
constexpr float k_iq4_values[16] = {-127, -104, -83, -65, -49, -35, -22, -10,
                                    1,    13,   25,  38,  53,  69,  89,  113};

struct ggml_format {
  int type;            // ggml type id
  const char *name;    // "Q4_1"
  int block_elements;  // weights of one block, side by side in a row
  int block_bytes;
  double bits;    // per weight, scales included
  int code_bits;  // of a code; 0 = the format stores floats
  int group;      // elements that share a scale; 0 = the format stores floats
  // Turns the n_blocks blocks at `in` into n_blocks * block_elements floats at `out`.
  void (*dequantize)(const uint8_t *in, float *out, int64_t n_blocks);
};

// Both return a pointer to a static object, which is never freed; null if the format is not supported.
const ggml_format *find_ggml_format(int type);
const ggml_format *find_ggml_format(const std::string &name);
std::string supported_ggml_formats();  // "F32, F16, ..."

// Whether none of n values is infinite or NaN.
bool all_finite(const float *values, int64_t n);

}  // namespace assay::model
