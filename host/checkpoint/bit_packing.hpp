// Unpacks integer codes of 2 to 8 bits from 32-bit words. The words have no gaps: if the width does
// not divide 32, a code may begin in one word and end in the next. The codes must be packed along
// the rows; if a file packs them along the columns, the caller transposes the words first.
#pragma once

#include "aten.hpp"

namespace assay::model {

// words: [rows, n_words] int32, with `per_row` codes of `bits` bits in each row, lowest bits first.
// Returns [rows, per_row] int8: each stored code minus 2^(bits-1), so that 0 .. 15 becomes -8 .. 7.
at::Tensor unpack_codes(const at::Tensor &words, int64_t per_row, int64_t bits);

}  // namespace assay::model
