// Unpacks four-bit floats by looking up each code in a list of all 16 values, and makes scales from
// their stored exponents.
#include "checkpoint/small_floats.hpp"

#include <array>
#include <cmath>

namespace assay::model {

at::Tensor unpack_e2m1(const at::Tensor &packed) {
  static const at::Tensor k_values =
      at::tensor({0.0f, 0.5f, 1.0f, 1.5f, 2.0f, 3.0f, 4.0f, 6.0f, -0.0f, -0.5f, -1.0f, -1.5f, -2.0f,
                  -3.0f, -4.0f, -6.0f})
          .to(at::kFloat8_e4m3fn);
  const at::Tensor low = packed.bitwise_and(15), high = packed.bitwise_right_shift(4);
  const at::Tensor codes = at::stack({low, high}, 2).reshape({packed.size(0), -1});
  const at::Tensor bytes = k_values.view(at::kByte).index({codes.to(at::kLong)});
  return bytes.view(at::kFloat8_e4m3fn);
}

at::Tensor powers_of_two(const at::Tensor &exponents) {
  const at::Tensor steps = exponents.to(at::kInt) - 127;
  const at::Tensor scale = at::ldexp(at::ones(exponents.sizes(), at::kFloat), steps);
  return at::where(exponents == 255, at::full({}, NAN, at::kFloat), scale);
}

}  // namespace assay::model
