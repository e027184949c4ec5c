// Writes and reads packed matrices one element at a time: the reference that the kernels must equal.
#include "packed/packed_matrix.hpp"

#include <sys/mman.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <new>

#include "core/error.hpp"
#include "kernels/widen.hpp"

namespace assay::model {
namespace {

constexpr int64_t k_alignment = 64, k_huge_page = 2 << 20;  // bytes

float stored_factor(factor_type type, const uint8_t *at) {
  switch (type) {
    case factor_type::f32: {
      float value;
      std::memcpy(&value, at, 4);
      return value;
    }
    case factor_type::f16: {
      uint16_t half;
      std::memcpy(&half, at, 2);
      return widen_half(half);
    }
    case factor_type::bf16: {
      uint16_t half;
      std::memcpy(&half, at, 2);
      return widen_bfloat(half);
    }
    case factor_type::e8m0:
      return power_of_two(*at);
    case factor_type::e4m3:
      return widen_e4m3(*at);
    case factor_type::step_u8:
    case factor_type::zero_u8:
      return static_cast<float>(*at);
    case factor_type::step_i8:
      return static_cast<float>(static_cast<int8_t>(*at));
    case factor_type::none:
      break;
  }
  return 0;
}

int64_t place_of(int64_t row, int64_t group, int64_t groups) {
  return (row / k_panel_rows * groups + group) * k_panel_rows + row % k_panel_rows;
}

// Whether a codebook is E4M3. Its two codes of NaN, which no weight has, may have any value.
bool is_e4m3(const std::vector<float> &codebook) {
  if (codebook.size() != 256) return false;
  for (size_t code = 0; code < 256; ++code)
    if ((code & 0x7f) != 0x7f && codebook[code] != widen_e4m3(static_cast<uint8_t>(code)))
      return false;
  return true;
}

bool is_step(factor_type type) {
  return type == factor_type::step_u8 || type == factor_type::step_i8;
}

float super_factor(const packed_matrix &matrix, const aligned_bytes &factors, int64_t row,
                   int64_t group) {
  const int64_t place = place_of(row, group / matrix.super, matrix.supers());
  return stored_factor(factor_type::f16, factors.data() + 2 * place);
}

}  // namespace

int64_t bytes_of(factor_type type) {
  switch (type) {
    case factor_type::none:
      return 0;
    case factor_type::f32:
      return 4;
    case factor_type::f16:
    case factor_type::bf16:
      return 2;
    default:
      return 1;
  }
}

namespace {

// What was mapped; it lies just before the memory that is given out.
struct mapping {
  void *base;
  size_t bytes;
};

void unmap(void *memory) {
  const mapping own = static_cast<mapping *>(memory)[-1];
  ::munmap(own.base, own.bytes);
}

// Maps memory in pages of 2 MB, because with pages of 4 KB half of the time of reading goes into finding the pages. The end of the
// memory, which does not fill a large page, stays in small pages, so that none is wasted. The system gives zeros, so that the
// pages are written only once, by their user.
void *map_large(size_t size) {
  const size_t page = k_huge_page, all = size + 2 * page;
  void *base = ::mmap(nullptr, all, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (base == MAP_FAILED) throw std::bad_alloc();
  const auto first = reinterpret_cast<uintptr_t>(base) + sizeof(mapping);
  void *memory = reinterpret_cast<void *>((first + page - 1) / page * page);
  static_cast<mapping *>(memory)[-1] = {base, all};
#ifdef MADV_HUGEPAGE
  ::madvise(memory, size / page * page, MADV_HUGEPAGE);
#endif
  return memory;
}

}  // namespace

aligned_bytes::aligned_bytes(int64_t size) : size_(size) {
  if (size == 0) return;
  if (size >= k_huge_page) {
    held_ = {static_cast<uint8_t *>(map_large(static_cast<size_t>(size))), unmap};
    return;
  }
  void *memory = nullptr;
  if (::posix_memalign(&memory, k_alignment, static_cast<size_t>(size)) != 0)
    throw std::bad_alloc();
  held_ = {static_cast<uint8_t *>(memory), std::free};
  std::memset(memory, 0, static_cast<size_t>(size));
}

int64_t packed_matrix::bytes() const {
  return codes.size() + scales.size() + minima.size() + super_scales.size() + super_minima.size() +
         static_cast<int64_t>(order.size() * sizeof(int32_t));
}

std::string lacks_kernel(int bits, int64_t columns, int64_t group, bool codebook) {
  if (bits < 2 || bits > 8 || bits == 7)
    return "codes of " + std::to_string(bits) + " bits have no kernel (2, 3, 4, 5, 6 and 8 have)";
  if (codebook && bits != 4 && bits != 8)
    return "a codebook of " + std::to_string(bits) + " bits has no kernel (4 and 8 bits have)";
  if (group < 1 || (group != columns && (columns % group != 0 || (group != 16 && group % 32 != 0))))
    return "groups of " + std::to_string(group) + " in rows of " + std::to_string(columns) +
           " have no kernel (16, multiples of 32 and whole rows have)";
  return "";
}

void shape_matrix(packed_matrix &matrix, int64_t rows, int64_t columns, int bits, int64_t group) {
  const bool codebook = !matrix.codebook.empty();
  const std::string why = lacks_kernel(bits, columns, group, codebook);
  if (!why.empty()) throw error(error_kind::failed, why);
  if (codebook && matrix.codebook.size() != size_t{1} << bits)
    throw error(error_kind::failed, "a codebook of " + std::to_string(bits) + " bits has " +
                                        std::to_string(matrix.codebook.size()) + " values");
  matrix.rows = rows;
  matrix.columns = columns;
  matrix.bits = bits;
  matrix.group = group;
  matrix.groups = columns / group;
  matrix.is_e4m3 = is_e4m3(matrix.codebook);
  const int64_t factors = matrix.panels() * matrix.groups * k_panel_rows;
  matrix.codes = aligned_bytes(matrix.panels() * matrix.units() * bits * k_panel_rows * 4);
  matrix.scales = aligned_bytes(factors * bytes_of(matrix.scale_type));
  if (matrix.minimum_type != factor_type::none)
    matrix.minima = aligned_bytes(factors * bytes_of(matrix.minimum_type));
  const int64_t super_bytes = matrix.panels() * matrix.supers() * k_panel_rows * 2;
  if (is_step(matrix.scale_type)) matrix.super_scales = aligned_bytes(super_bytes);
  if (is_step(matrix.minimum_type)) matrix.super_minima = aligned_bytes(super_bytes);
  const size_t n_codes = size_t{1} << bits;
  for (size_t i = 0; i < std::max<size_t>(16, n_codes); ++i)
    matrix.values.push_back(value_of(matrix, static_cast<uint32_t>(i % n_codes)));
}

void write_codes(packed_matrix &matrix, int64_t row, const uint8_t *codes) {
  uint32_t *words = reinterpret_cast<uint32_t *>(matrix.codes.data()) +
                    row / k_panel_rows * matrix.units() * matrix.bits * k_panel_rows +
                    row % k_panel_rows;
  for (int64_t unit = 0; unit < matrix.units(); ++unit, words += matrix.bits * k_panel_rows) {
    const int64_t first = unit * k_unit_columns,
                  count = std::min(k_unit_columns, matrix.columns - first);
    uint64_t gathered = 0;  // codes that do not fill a word yet, lowest first
    int held = 0;           // bits in `gathered`
    for (int64_t i = 0, word = 0; i < k_unit_columns; ++i) {
      gathered |= static_cast<uint64_t>(i < count ? codes[first + i] : 0) << held;
      held += matrix.bits;
      if (held < 32) continue;
      words[word++ * k_panel_rows] = static_cast<uint32_t>(gathered);
      gathered >>= 32;
      held -= 32;
    }
  }
}

uint32_t code_at(const packed_matrix &matrix, int64_t row, int64_t column) {
  const int64_t unit = column / k_unit_columns, bit = column % k_unit_columns * matrix.bits;
  const uint32_t *words =
      matrix.words(row / k_panel_rows) + unit * matrix.bits * k_panel_rows + row % k_panel_rows;
  uint64_t both = words[bit / 32 * k_panel_rows];
  if (bit % 32 + matrix.bits > 32)
    both |= static_cast<uint64_t>(words[(bit / 32 + 1) * k_panel_rows]) << 32;
  return static_cast<uint32_t>(both >> bit % 32) & ((1u << matrix.bits) - 1);
}

float scale_at(const packed_matrix &matrix, int64_t row, int64_t group) {
  const int64_t place = place_of(row, group, matrix.groups);
  const float stored =
      stored_factor(matrix.scale_type, matrix.scales.data() + place * bytes_of(matrix.scale_type));
  const float scale = is_step(matrix.scale_type)
                          ? super_factor(matrix, matrix.super_scales, row, group) * stored
                          : stored;
  return matrix.outer == 1.0f ? scale : scale * matrix.outer;
}

float minimum_at(const packed_matrix &matrix, int64_t row, int64_t group) {
  if (matrix.minimum_type == factor_type::none) return 0;
  const int64_t place = place_of(row, group, matrix.groups);
  const float stored = stored_factor(matrix.minimum_type,
                                     matrix.minima.data() + place * bytes_of(matrix.minimum_type));
  if (matrix.minimum_type == factor_type::zero_u8)
    return -scale_at(matrix, row, group) * (stored + matrix.shift);
  if (is_step(matrix.minimum_type))
    return -super_factor(matrix, matrix.super_minima, row, group) * stored * matrix.outer;
  return stored * matrix.outer;
}

float value_of(const packed_matrix &matrix, uint32_t code) {
  return matrix.codebook.empty() ? matrix.shift + static_cast<float>(code) : matrix.codebook[code];
}

void unpack_row(const packed_matrix &matrix, int64_t row, float *weights) {
  const bool zeros = matrix.minimum_type == factor_type::zero_u8;
  for (int64_t column = 0; column < matrix.columns; ++column) {
    const int64_t group = column / matrix.group;
    const float scale = scale_at(matrix, row, group);
    const float value = value_of(matrix, code_at(matrix, row, column));
    const int64_t to = matrix.order.empty() ? column : matrix.order[static_cast<size_t>(column)];
    if (zeros) {  // (code - zero) is whole, so that the weight is rounded once, as the formats say
      const int64_t place = place_of(row, group, matrix.groups);
      weights[to] =
          scale * (value - (static_cast<float>(matrix.minima.data()[place]) + matrix.shift));
    } else {
      weights[to] = scale * value + minimum_at(matrix, row, group);
    }
  }
}

}  // namespace assay::model
