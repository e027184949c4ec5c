// Holds the weight of one linear as codes, in the order in which the kernels read them.
//
//   W[row, column] = outer * (scale * value(code) + minimum), with the factors of the column's group
//
// Layout. 16 rows make a panel, because a vector of 16 lanes then computes one output row in each
// lane, and one broadcast of x serves them all. 32 columns make a unit. In a unit, the 32 codes of a
// row fill `bits` words of 32 bits; the first code is in the lowest bits. The words of the 16 rows lie
// side by side, so the layouts are:
//
//   codes  [panels][units][bits][16] uint32
//   scales [panels][groups][16] of scale_type
//   minima [panels][groups][16] of minimum_type
//
// The last panel and the last unit are filled up with codes 0. The extra columns are multiplied with
// zeros of x, and the results of the extra rows are not used.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace assay::model {

constexpr int64_t k_panel_rows = 16;
constexpr int64_t k_unit_columns = 32;

// How one factor of each row and group is stored.
enum class factor_type : uint8_t {
  none,
  f32,
  f16,
  bf16,
  e8m0,     // 2^(byte - 127), mxfp4 (OCP Microscaling Formats 1.0, section 5.4.1)
  e4m3,     // float8 without infinities, nvfp4
  step_u8,  // byte * the row's float16 factor of the super-block, negative for minima: Q4_K, Q5_K
  step_i8,  // signed byte * this factor: Q6_K
  zero_u8,  // minima only: the code that stands for zero, so minimum = -scale * (byte + shift)
};
int64_t bytes_of(factor_type type);

// Memory that begins at a multiple of 64 bytes, so that a vector never crosses two cache lines.
class aligned_bytes {
 public:
  aligned_bytes() = default;
  explicit aligned_bytes(int64_t size);  // all zero
  uint8_t *data() { return held_.get(); }
  const uint8_t *data() const { return held_.get(); }
  int64_t size() const { return size_; }

 private:
  std::unique_ptr<uint8_t, void (*)(void *)> held_{nullptr, nullptr};
  int64_t size_ = 0;
};

struct packed_matrix {
  int64_t rows = 0, columns = 0;
  int bits = 0;       // 2, 3, 4, 5, 6 or 8
  int64_t group = 0;  // columns that share a factor: 16, a multiple of 32, or `columns`
  int64_t groups = 0;
  // The value of each code: shift + code where `codebook` is empty, else codebook[code].
  float shift = 0;
  std::vector<float> codebook;  // 2^bits values, for 4 and 8 bits
  bool is_e4m3 = false;         // the codebook is that of E4M3; shape_matrix() finds this out
  // The value of each code, for the kernels. If there are fewer than 16 values, they are repeated up to 16.
  std::vector<float> values;
  factor_type scale_type = factor_type::f32, minimum_type = factor_type::none;
  int64_t super = 0;   // groups of a super-block, for step_u8 and step_i8
  float outer = 1.0f;  // one factor for the whole matrix
  // The column of x that each packed column multiplies (act-order); empty = in order.
  std::vector<int32_t> order;
  aligned_bytes codes, scales, minima;
  aligned_bytes super_scales, super_minima;  // [panels][groups / super][16] float16

  int64_t panels() const { return (rows + k_panel_rows - 1) / k_panel_rows; }
  int64_t units() const { return (columns + k_unit_columns - 1) / k_unit_columns; }
  int64_t supers() const { return super > 0 ? (groups + super - 1) / super : 0; }
  int64_t bytes() const;  // bytes of codes, factors and order
  const uint32_t *words(int64_t panel) const {
    return reinterpret_cast<const uint32_t *>(codes.data()) + panel * units() * bits * k_panel_rows;
  }
};

// Returns why no kernel can run codes of this shape, as a sentence, or "" if one can.
std::string lacks_kernel(int bits, int64_t columns, int64_t group, bool codebook);

// Sets rows, columns, bits, group, groups and values, and makes memory for the codes and factors. The caller
// has set scale_type, minimum_type, shift, codebook and super before. Throws error(failed) if lacks_kernel()
// gives a reason, or if the codebook has another number of values than 2^bits.
void shape_matrix(packed_matrix &matrix, int64_t rows, int64_t columns, int bits, int64_t group);

// Writes the codes of one row, [columns]. Different rows of one panel may not be written by
// different threads at the same time.
void write_codes(packed_matrix &matrix, int64_t row, const uint8_t *codes);
uint32_t code_at(const packed_matrix &matrix, int64_t row, int64_t column);

// The plain reference computes factors and weights by the formula above, in fp32.
float scale_at(const packed_matrix &matrix, int64_t row, int64_t group);  // times outer
// The minimum times outer; 0 if there are no minima.
float minimum_at(const packed_matrix &matrix, int64_t row, int64_t group);
float value_of(const packed_matrix &matrix, uint32_t code);
// The weights of one row in the order of x, [columns].
void unpack_row(const packed_matrix &matrix, int64_t row, float *weights);

}  // namespace assay::model
