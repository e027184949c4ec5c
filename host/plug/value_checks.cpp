// Checks the emitted values: integers must fit the bits they are stored in, floats must be finite. The loops over all values have no
// early exit, so that the compiler can vectorise them.
#include <bit>
#include <limits>

#include "plug/sink.hpp"

namespace assay::plug {
namespace {

// Finds an integer that does not fit in b = `bits` bits. An unsigned one must be in [0, 2^b), a signed one in
// [-2^(b-1), 2^(b-1)). Returns "" if all fit.
template <class T>
std::string find_wide(const assay_tensor &tensor, uint32_t bits) {
  const bool is_signed = std::numeric_limits<T>::is_signed;
  const int64_t low = is_signed ? -(int64_t{1} << (bits - 1)) : 0;
  const int64_t high = (int64_t{1} << (is_signed ? bits - 1 : bits)) - 1;
  const T *values = data_of<const T>(tensor);
  const int64_t n = element_count(tensor);
  T smallest = 0, largest = 0;  // 0 is a safe start, because it fits in any number of bits
  for (int64_t i = 0; i < n; ++i) {
    smallest = values[i] < smallest ? values[i] : smallest;
    largest = values[i] > largest ? values[i] : largest;
  }
  const int64_t least{smallest}, most{largest};
  if (least >= low && most <= high) return "";
  const int64_t wide = least < low ? least : most;
  return "the value " + std::to_string(wide) + ", which does not fit in " + std::to_string(bits) +
         " bits";
}

// Index of the first NaN or infinity, -1 if there is none. T is the unsigned integer of the float's size. `exponent_mask` has the
// bits of the exponent, which are all set in NaN and infinity only.
template <class T>
int64_t first_not_finite(const assay_tensor &tensor, T exponent_mask) {
  const T *values = data_of<const T>(tensor);
  const int64_t n = element_count(tensor);
  T any = 0;
  for (int64_t i = 0; i < n; ++i)
    any |= static_cast<T>((values[i] & exponent_mask) == exponent_mask);
  if (any == 0) return -1;
  for (int64_t i = 0; i < n; ++i)
    if ((values[i] & exponent_mask) == exponent_mask) return i;
  return -1;
}

}  // namespace

std::string find_wide_value(const assay_tensor &tensor, uint32_t packed_bits) {
  if (packed_bits >= tensor.dtype.bits) return "";
  if (same_dtype(tensor.dtype, k_u8)) return find_wide<uint8_t>(tensor, packed_bits);
  if (same_dtype(tensor.dtype, k_i8)) return find_wide<int8_t>(tensor, packed_bits);
  if (same_dtype(tensor.dtype, k_i16)) return find_wide<int16_t>(tensor, packed_bits);
  if (same_dtype(tensor.dtype, k_i32)) return find_wide<int32_t>(tensor, packed_bits);
  if (same_dtype(tensor.dtype, k_i64)) return find_wide<int64_t>(tensor, packed_bits);
  return "a packed width of " + std::to_string(packed_bits) + " bits, which " +
         dtype_name(tensor.dtype) + " cannot have";
}

std::string find_not_finite(const assay_tensor &tensor) {
  int64_t at = -1;
  if (same_dtype(tensor.dtype, k_f32)) at = first_not_finite<uint32_t>(tensor, 0x7f800000u);
  if (same_dtype(tensor.dtype, k_f16)) at = first_not_finite<uint16_t>(tensor, uint16_t{0x7c00});
  if (same_dtype(tensor.dtype, k_bf16)) at = first_not_finite<uint16_t>(tensor, uint16_t{0x7f80});
  if (same_dtype(tensor.dtype, k_f64))
    at = first_not_finite<uint64_t>(tensor, 0x7ff0000000000000ull);
  if (at < 0) return "";
  if (tensor.ndim < 2) return "is not finite at [" + std::to_string(at) + "]";
  const int64_t width = tensor.shape[tensor.ndim - 1];
  return "is not finite at [" + std::to_string(at / width) + ", " + std::to_string(at % width) +
         "]";
}

}  // namespace assay::plug
