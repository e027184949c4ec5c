// Rows of keys or values as codes with a scale: small whole numbers, or 8-bit floats. It encodes rows, and turns them back into floats
// for attention. A row is the key (or value) of one token and one head.
#pragma once

#include <cstdint>

namespace assay::model {

// How rows are stored. Codes of up to 4 bits take half a byte, others a byte.
struct row_code {
  int bits = 0;  // 2 to 8; 0 = rows are not coded
  bool symmetric =
      true;             // the value 0 has the code 2^(bits-1); otherwise each row has its own zero
  bool floats = false;  // codes are E4M3 (bits = 8), which have no zero
  bool rotated =
      false;  // a row is turned by rotate_row() before it is rounded, and turned back when it is read
  int64_t bytes(int64_t d) const;  // of the codes of a row
};

// Multiplies a row of d numbers by the Hadamard matrix of size d over sqrt(d), in place. d: a power of two. This matrix is its own
// inverse; the numbers of a product are sums in the order of Sylvester's construction.
void rotate_row(float *x, int64_t d);

// Encodes the d numbers of one row: x becomes scale * (code - zero), rounded half to even, as quant/schemes/kv_scheme.hpp
// rounds it. codes: row_code::bytes(d) bytes. fixed: the scale of a static scheme; null = the scale comes from the row itself. A
// fixed scale needs a symmetric form.
void encode_row(const row_code &form, const float *x, int64_t d, const float *fixed, uint8_t *codes,
                float *scale, uint8_t *zero);

// Consecutive rows as attention reads them.
struct coded_rows {
  const uint8_t *codes = nullptr;  // null: there are none
  const float *scales = nullptr;   // one for each row
  const uint8_t *zeros = nullptr;  // one for each row
  int64_t stride = 0;              // bytes of codes from row to row
  // Half a byte per code: element i is the low half of byte i, element i + stride the high half.
  bool halves = false;
  bool floats = false, rotated = false;  // as in row_code
};

// The rows [first, first + count) as floats, [count, d].
void decode_rows(const coded_rows &rows, int64_t first, int64_t count, int64_t d, float *out);

}  // namespace assay::model
