// The table of types. Packs rows of integer grids into the blocks Q4_0, Q4_1, Q5_0, Q5_1 and Q8_0
// (ggml-org/ggml, src/ggml-common.h and src/ggml-quants.c, dequantize_row_*). The scale of a block is
// the scale of its group, which may span several blocks.
#include "blocks.hpp"

#include <cstring>

#include "assay_grid.hpp"

namespace gguf {

const tensor_type k_f32{"F32", 0, 0, 1, 4, 0, 0, false};
const tensor_type k_f16{"F16", 1, 1, 1, 2, 0, 0, false};
const tensor_type k_bf16{"BF16", 30, 32, 1, 2, 0, 0, false};

namespace {

const tensor_type k_q4_0{"Q4_0", 2, 2, k_block, 18, 4, -8, false};
const tensor_type k_q4_1{"Q4_1", 3, 3, k_block, 20, 4, 0, true};
const tensor_type k_q5_0{"Q5_0", 6, 8, k_block, 22, 5, -16, false};
const tensor_type k_q5_1{"Q5_1", 7, 9, k_block, 24, 5, 0, true};
const tensor_type k_q8_0{"Q8_0", 8, 7, k_block, 34, 8, -128, false};

// super_blocks.cpp packs these. general.file_type of K-quants is that of their smallest mixture
// (ggml-org/llama.cpp, include/llama.h, enum llama_ftype).
const tensor_type k_super[] = {
    {"Q2_K", 10, 10, 256, 84, 2, 0, true},     {"Q3_K", 11, 11, 256, 110, 3, -4, false},
    {"Q4_K", 12, 14, 256, 144, 4, 0, true},    {"Q5_K", 13, 16, 256, 176, 5, 0, true},
    {"Q6_K", 14, 18, 256, 210, 6, -32, false}, {"IQ4_NL", 20, 25, 32, 18, 4, 0, false},
    {"IQ4_XS", 23, 30, 256, 136, 4, 0, false}};

// Returns the block with the fewest bits that stores a weight as a multiple of the scale and holds every difference
// code - zero; nullptr if there is none.
const tensor_type *wider_block(const grid &codes) {
  const int64_t bits = codes.symmetric ? codes.bits : codes.bits + 1;  // of the difference
  if (bits <= 4) return &k_q4_0;
  if (bits == 5) return &k_q5_0;
  return bits <= 8 ? &k_q8_0 : nullptr;
}

// 32 codes of 4 bits: code j is the low half of byte j, code j + 16 the high half.
void put_nibbles(const uint8_t *codes, uint8_t *out) {
  for (int j = 0; j < 16; ++j)
    out[j] = static_cast<uint8_t>((codes[j] & 15) | (codes[j + 16] & 15) << 4);
}

// The fifth bits of 32 codes.
void put_fifth_bits(const uint8_t *codes, uint8_t *out) {
  uint32_t bits = 0;
  for (int j = 0; j < 32; ++j) bits |= static_cast<uint32_t>(codes[j] >> 4 & 1) << j;
  std::memcpy(out, &bits, 4);
}

// Writes the codes of one block. A type with a minimum takes the codes as they are. For the other types, code 0 stands
// for the multiple `lowest` of the scale. The int8 that Q8_0 stores is 128 less than its code.
void block_codes(const tensor_type &type, const row_view &row, int64_t begin, uint8_t *codes) {
  const bool is_signed = row.zeros == nullptr && row.float_zeros == nullptr;
  const int zero = row.zeros == nullptr ? 0 : row.zeros[begin / row.group_size];
  const int from = type.minimum ? 0 : zero + type.lowest;
  const int n_codes = 1 << type.code_bits;
  int outside = 0;
  for (int64_t j = 0; j < k_block; ++j) {
    const uint8_t byte = row.codes[begin + j];
    const int code = (is_signed ? static_cast<int>(static_cast<int8_t>(byte)) : byte) - from;
    outside |= static_cast<int>(code < 0) | static_cast<int>(code >= n_codes);
    codes[j] = static_cast<uint8_t>(code);
  }
  if (outside != 0)
    throw assay_cpp::argument_problem(std::string("a code lies outside what ") + type.name +
                                      " holds");
}

// The minimum of a block as it is stored. Counts it in n_rounded if float16 cannot hold it exactly.
uint16_t minimum_of(const row_view &row, int64_t group, int64_t &n_rounded) {
  const float zero = row.zeros != nullptr ? static_cast<float>(row.zeros[group])
                                          : assay_grid::from_float16(row.float_zeros[group]);
  const float minimum = -assay_grid::from_float16(row.scales[group]) * zero;
  const uint16_t stored = assay_grid::to_float16(minimum);
  if ((stored & 0x7C00u) == 0x7C00u)
    throw assay_cpp::numerical_problem("a minimum of a group is beyond float16");
  if (assay_grid::from_float16(stored) != minimum) ++n_rounded;
  return stored;
}

}  // namespace

const tensor_type *block_named(const std::string &name) {
  for (const auto *type : {&k_q4_0, &k_q4_1, &k_q5_0, &k_q5_1, &k_q8_0})
    if (name == type->name) return type;
  for (const auto &type : k_super)
    if (name == type.name) return &type;
  return nullptr;
}

bool is_block_form(const grid &codes) {
  return codes.format == "kquant/1" || (codes.format == "codebook/1" && codes.block == "IQ4_NL");
}

const tensor_type *block_for(const grid &codes, fit how, std::string &reason) {
  if (is_block_form(codes)) {
    const auto *type = block_named(codes.block);
    if (type == nullptr) reason = "GGUF files have no block '" + codes.block + "'";
    return type;
  }
  const bool affine = codes.format == "affine/1";
  if (codes.format != "int/1" && !affine) {
    reason = "GGUF blocks hold integer grids, not " + codes.format;
    return nullptr;
  }
  if (codes.group_size % k_block != 0) {
    reason = "a block has 32 weights with one scale: groups of " +
             std::to_string(codes.group_size) + " are no multiple of 32";
    return nullptr;
  }
  if (affine) {
    if (codes.bits <= 5 && how == fit::rounded) return codes.bits <= 4 ? &k_q4_1 : &k_q5_1;
    reason = codes.bits <= 5 ? "zeros that are no integers become minima, which are rounded to "
                               "float16: set fit = \"rounded\""
                             : "no block holds " + std::to_string(codes.bits) +
                                   " bits with zeros that are no integers";
    return nullptr;
  }
  if (codes.symmetric) {
    if (codes.bits == 4) return &k_q4_0;
    if (codes.bits == 5) return &k_q5_0;
    if (codes.bits == 8) return &k_q8_0;
  } else if (how == fit::rounded && (codes.bits == 4 || codes.bits == 5)) {
    return codes.bits == 4 ? &k_q4_1 : &k_q5_1;
  }
  if (const auto *wider = wider_block(codes); wider != nullptr) {
    if (how == fit::wider) return wider;
    reason = "no block has just this grid of " + std::to_string(codes.bits) + " bits, " +
             (codes.symmetric ? "symmetric" : "asymmetric") +
             ": set fit = \"wider\" to store it in " + wider->name +
             ", which holds its weights exactly";
  } else {
    reason = "no block holds an asymmetric grid of " + std::to_string(codes.bits) + " bits";
  }
  if (!codes.symmetric && (codes.bits == 4 || codes.bits == 5))
    reason += std::string(", or fit = \"rounded\" for ") + (codes.bits == 4 ? "Q4_1" : "Q5_1") +
              ", which rounds the minimum of each group to float16";
  return nullptr;
}

int64_t pack_row(const tensor_type &type, const row_view &row, uint8_t *out) {
  int64_t n_rounded = 0, last_group = -1;
  uint16_t minimum = 0;
  uint8_t codes[k_block];
  for (int64_t begin = 0; begin < row.in; begin += k_block, out += type.block_bytes) {
    const int64_t group = begin / row.group_size;
    block_codes(type, row, begin, codes);
    std::memcpy(out, row.scales + group, 2);
    uint8_t *to = out + 2;
    if (type.minimum) {
      if (group != last_group) minimum = minimum_of(row, group, n_rounded);
      last_group = group;
      std::memcpy(to, &minimum, 2);
      to += 2;
    }
    if (type.code_bits == 8) {
      for (int64_t j = 0; j < k_block; ++j) to[j] = codes[j] ^ 0x80;
      continue;
    }
    if (type.code_bits == 5) {
      put_fifth_bits(codes, to);
      to += 4;
    }
    put_nibbles(codes, to);
  }
  return n_rounded;
}

}  // namespace gguf
