// The bytes of the blocks with steps, and of those with a minimum or fixed values (ggml-org/ggml,
// src/ggml-common.h, and src/ggml-quants.c, dequantize_row_*).
#include "super_blocks.hpp"

#include <algorithm>
#include <cstring>
#include <iterator>

namespace gguf {
namespace {

// One block on its way. Codes and steps count from 0, as they are stored.
struct parts {
  uint16_t scale, minimum;
  const uint8_t *codes, *steps, *minimum_steps;
};

uint8_t byte(int x) {
  return static_cast<uint8_t>(x);
}

// The low 4 bits of 32 codes: code j in the low half of byte j, code j + 16 in the high half.
void put_halves(const uint8_t *codes, uint8_t *out) {
  for (int j = 0; j < 16; ++j) out[j] = byte((codes[j] & 15) | (codes[j + 16] & 15) << 4);
}

// The low 2 bits of 256 codes: byte 32 h + l holds the codes 128 h + l + 0, 32, 64 and 96.
void put_quarters(const uint8_t *codes, uint8_t *out) {
  for (int i = 0; i < 256; ++i)
    out[i / 128 * 32 + i % 32] |= byte((codes[i] & 3) << i % 128 / 32 * 2);
}

// 8 pairs of 6-bit numbers in 12 bytes.
void put_pairs(const uint8_t *steps, const uint8_t *minimum_steps, uint8_t *out) {
  for (int j = 0; j < 8; ++j) {
    const int s = steps[j], m = minimum_steps[j];
    if (j < 4) {
      out[j] |= byte(s);
      out[j + 4] |= byte(m);
    } else {
      out[j + 4] = byte((s & 15) | (m & 15) << 4);
      out[j - 4] |= byte(s >> 4 << 6);
      out[j] |= byte(m >> 4 << 6);
    }
  }
}

void put_halves_of_64(const uint8_t *codes, uint8_t *out) {
  for (int c = 0; c < 4; ++c)
    for (int l = 0; l < 32; ++l)
      out[32 * c + l] = byte((codes[64 * c + l] & 15) | (codes[64 * c + 32 + l] & 15) << 4);
}

void put_q2_k(const parts &p, uint8_t *out) {
  for (int j = 0; j < 16; ++j) out[j] = byte(p.steps[j] | p.minimum_steps[j] << 4);
  put_quarters(p.codes, out + 16);
  std::memcpy(out + 80, &p.scale, 2);
  std::memcpy(out + 82, &p.minimum, 2);
}

void put_q3_k(const parts &p, uint8_t *out) {
  for (int i = 0; i < 256; ++i) out[i % 32] |= byte((p.codes[i] >> 2) << i / 32);
  put_quarters(p.codes, out + 32);
  for (int j = 0; j < 16; ++j) {
    out[96 + j % 8] |= byte((p.steps[j] & 15) << j / 8 * 4);
    out[104 + j % 4] |= byte((p.steps[j] >> 4) << j / 4 * 2);
  }
  std::memcpy(out + 108, &p.scale, 2);
}

void put_q4_k(const parts &p, uint8_t *out) {
  std::memcpy(out, &p.scale, 2);
  std::memcpy(out + 2, &p.minimum, 2);
  put_pairs(p.steps, p.minimum_steps, out + 4);
  put_halves_of_64(p.codes, out + 16);
}

void put_q5_k(const parts &p, uint8_t *out) {
  std::memcpy(out, &p.scale, 2);
  std::memcpy(out + 2, &p.minimum, 2);
  put_pairs(p.steps, p.minimum_steps, out + 4);
  for (int i = 0; i < 256; ++i) out[16 + i % 32] |= byte((p.codes[i] >> 4) << i / 32);
  put_halves_of_64(p.codes, out + 48);
}

void put_q6_k(const parts &p, uint8_t *out) {
  for (int i = 0; i < 256; ++i) {
    const int h = i / 128, quarter = i % 128 / 32, l = i % 32, code = p.codes[i];
    out[64 * h + l + quarter % 2 * 32] |= byte((code & 15) << quarter / 2 * 4);
    out[128 + 32 * h + l] |= byte((code >> 4) << quarter * 2);
  }
  for (int j = 0; j < 16; ++j) out[192 + j] = byte(p.steps[j] ^ 0x80);
  std::memcpy(out + 208, &p.scale, 2);
}

void put_iq4_nl(const parts &p, uint8_t *out) {
  std::memcpy(out, &p.scale, 2);
  put_halves(p.codes, out + 2);
}

void put_iq4_xs(const parts &p, uint8_t *out) {
  std::memcpy(out, &p.scale, 2);
  for (int j = 0; j < 8; ++j) {
    out[2 + j / 4] |= byte((p.steps[j] >> 4) << j % 4 * 2);
    out[4 + j / 2] |= byte((p.steps[j] & 15) << j % 2 * 4);
    put_halves(p.codes + 32 * j, out + 8 + 16 * j);
  }
}

// Q4_1 and Q5_1 store the number that is added, which is the minimum with its sign turned.
void put_with_minimum(const parts &p, bool fifth, uint8_t *out) {
  const auto added = static_cast<uint16_t>(p.minimum ^ 0x8000u);
  std::memcpy(out, &p.scale, 2);
  std::memcpy(out + 2, &added, 2);
  if (fifth)
    for (int i = 0; i < 32; ++i) out[4 + i / 8] |= byte((p.codes[i] >> 4) << i % 8);
  put_halves(p.codes, out + (fifth ? 8 : 4));
}

// What a form of this type must have. The form has steps from the lowest one on; the file counts them
// so that the lowest becomes 0.
struct layout {
  const char *name;
  int group, step_bits, lowest_step;
  void (*put)(const parts &p, uint8_t *out);
};

constexpr layout k_layouts[] = {
    {"Q2_K", 16, 4, 0, put_q2_k},
    {"Q3_K", 16, 6, -32, put_q3_k},
    {"Q4_K", 32, 6, 0, put_q4_k},
    {"Q5_K", 32, 6, 0, put_q5_k},
    {"Q6_K", 16, 8, -128, put_q6_k},
    {"IQ4_NL", 32, 0, 0, put_iq4_nl},
    {"IQ4_XS", 32, 6, -32, put_iq4_xs},
    {"Q4_1", 32, 0, 0, [](const parts &p, uint8_t *out) { put_with_minimum(p, false, out); }},
    {"Q5_1", 32, 0, 0, [](const parts &p, uint8_t *out) { put_with_minimum(p, true, out); }},
};

const layout *layout_of(const tensor_type &type) {
  for (const layout &one : k_layouts)
    if (std::string_view(type.name) == one.name) return &one;
  return nullptr;
}

// Counts numbers from `lowest`. Bytes of the form are int8 where the lowest is below 0.
void count_from(const uint8_t *from, int64_t n, int lowest, int bits, uint8_t *to) {
  int outside = 0;
  for (int64_t i = 0; i < n; ++i) {
    const int x = (lowest < 0 ? static_cast<int>(static_cast<int8_t>(from[i])) : from[i]) - lowest;
    outside |= x >> bits;  // also where x is below 0
    to[i] = byte(x);
  }
  if (outside != 0)
    throw assay_cpp::argument_problem("a code or step lies outside what its block holds");
}

// The values of IQ4_NL and IQ4_XS (src/ggml-common.h, kvalues_iq4nl).
constexpr float k_fixed[16] = {-127, -104, -83, -65, -49, -35, -22, -10,
                               1,    13,   25,  38,  53,  69,  89,  113};

}  // namespace

super_parts super_parts_of(const assay_item &item, const tensor_type &type) {
  const assay_form &form = *item.form;
  const layout *how = layout_of(type);
  if (how == nullptr) refuse(item, std::string("no form of this kind becomes ") + type.name);
  const int64_t rows = form.out_features, in = form.in_features;
  const auto bytes_of = [&](const char *role, bool is_signed, int64_t per_row, bool wanted) {
    const auto *t = assay_cpp::find(form, role);
    const assay_dtype dtype{is_signed ? uint8_t{ASSAY_INT} : uint8_t{ASSAY_UINT}, 8, 1};
    if ((t != nullptr) != wanted || (wanted && (!assay_cpp::is_dtype(*t, dtype) || t->ndim != 2 ||
                                                t->shape[0] != rows || t->shape[1] != per_row)))
      refuse(item, std::string("'") + role + "' of the form is not that of " + type.name);
    return wanted ? data_of(*t) : nullptr;
  };
  const auto halves_of = [&](const char *role, bool wanted) -> const uint16_t * {
    const auto *t = assay_cpp::find(form, role);
    if ((t != nullptr) != wanted ||
        (wanted && (!assay_cpp::is_dtype(*t, assay_cpp::k_f16) || t->ndim != 2 ||
                    t->shape[0] != rows || t->shape[1] != in / type.block_weights)))
      refuse(item, std::string("'") + role + "' of the form is not that of " + type.name);
    return wanted ? reinterpret_cast<const uint16_t *>(data_of(*t)) : nullptr;
  };
  const bool stepped = how->step_bits > 0, fixed = how->put == put_iq4_nl || how->put == put_iq4_xs;
  super_parts out;
  out.in = in;
  out.codes = bytes_of("codes", type.lowest < 0, in, true);
  out.steps = bytes_of("steps", how->lowest_step < 0, in / how->group, stepped);
  out.minimum_steps = bytes_of("minimum_steps", false, in / how->group, stepped && type.minimum);
  out.scales = halves_of("scales", true);
  out.minima = halves_of("minima", type.minimum);
  const auto *book = assay_cpp::find(form, "codebook");
  if (fixed && (book == nullptr || !assay_cpp::is_dtype(*book, assay_cpp::dtype_of<float>()) ||
                book->ndim != 1 || book->shape[0] != 16 ||
                !std::equal(std::begin(k_fixed), std::end(k_fixed),
                            reinterpret_cast<const float *>(data_of(*book)))))
    refuse(item, std::string("its codebook is not that of ") + type.name);
  return out;
}

void pack_super_row(const tensor_type &type, const super_parts &from, int64_t row, uint8_t *out) {
  const layout &how = *layout_of(type);
  const int64_t columns = type.block_weights, groups = columns / how.group,
                n_blocks = from.in / columns;
  uint8_t codes[256], steps[16] = {}, minimum_steps[16] = {};
  for (int64_t b = row * n_blocks; b < (row + 1) * n_blocks; ++b, out += type.block_bytes) {
    count_from(from.codes + b * columns, columns, type.lowest, type.code_bits, codes);
    if (from.steps != nullptr)
      count_from(from.steps + b * groups, groups, how.lowest_step, how.step_bits, steps);
    if (from.minimum_steps != nullptr)
      count_from(from.minimum_steps + b * groups, groups, 0, how.step_bits, minimum_steps);
    const uint16_t minimum = from.minima != nullptr ? from.minima[b] : uint16_t{0};
    std::memset(out, 0, static_cast<size_t>(type.block_bytes));
    how.put({from.scales[b], minimum, codes, steps, minimum_steps}, out);
  }
}

}  // namespace gguf
