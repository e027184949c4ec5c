// Rows of keys or values as small whole numbers: each row has its own scale. It encodes rows, and turns them back into floats for
// attention. A row is the key (or value) of one token and one head.
#pragma once

#include <cstdint>

namespace assay::model {

// How rows are stored. Codes of up to 4 bits take half a byte, others a byte.
struct row_code {
  int bits = 0;  // 2 to 8; 0 = rows are not coded
  bool symmetric =
      true;  // the value 0 has the code 2^(bits-1); otherwise each row has its own zero
  int64_t bytes(int64_t d) const;  // of the codes of a row
};

// Encodes the d numbers of one row: x becomes scale * (code - zero), rounded half to even, as quant/schemes/kv_scheme.hpp
// rounds a token and head (strategy "token_head"). codes: row_code::bytes(d) bytes.
void encode_row(const row_code &form, const float *x, int64_t d, uint8_t *codes, float *scale,
                uint8_t *zero);

// Consecutive rows as attention reads them.
struct coded_rows {
  const uint8_t *codes = nullptr;  // null: there are none
  const float *scales = nullptr;   // one for each row
  const uint8_t *zeros = nullptr;  // one for each row
  int64_t stride = 0;              // bytes of codes from row to row
  bool halves =
      false;  // half a byte per code: element i is the low half of byte i, element i + stride the high half
};

// The rows [first, first + count) as floats, [count, d].
void decode_rows(const coded_rows &rows, int64_t first, int64_t count, int64_t d, float *out);

}  // namespace assay::model
