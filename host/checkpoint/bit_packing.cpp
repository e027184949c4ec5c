// Unpacks codes from 32-bit words by shifting and masking, with rows in parallel.
#include "checkpoint/bit_packing.hpp"
#include "kernels/threads.hpp"

#include <ATen/Parallel.h>

#include <algorithm>

namespace assay::model {

at::Tensor unpack_codes(const at::Tensor &words, int64_t per_row, int64_t bits) {
  const at::Tensor in = words.contiguous();
  const int64_t rows = in.size(0), n_words = in.size(1);
  at::Tensor out = at::empty({rows, per_row}, at::kChar);
  const auto *from = reinterpret_cast<const uint32_t *>(in.const_data_ptr<int32_t>());
  int8_t *to = out.mutable_data_ptr<int8_t>();
  const uint32_t mask = (uint32_t{1} << bits) - 1;
  const auto offset = static_cast<int32_t>(int64_t{1} << (bits - 1));
  parallel_for(0, rows, std::max<int64_t>(1, 32768 / per_row), [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; ++r)
      for (int64_t i = 0; i < per_row; ++i) {
        const int64_t at_bit = i * bits, shift = at_bit % 32;
        const uint32_t *word = from + r * n_words + at_bit / 32;
        uint32_t stored = *word >> shift;
        if (shift + bits > 32) stored |= word[1] << (32 - shift);
        const auto code = static_cast<int32_t>(stored & mask);
        to[r * per_row + i] = static_cast<int8_t>(code - offset);
      }
  });
  return out;
}

}  // namespace assay::model
