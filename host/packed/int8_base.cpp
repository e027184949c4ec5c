// Compiles the int8 kernel for any machine.
#include "packed/int8_body.hpp"

namespace assay::model {

extern const int8_kernel k_int8_base;
const int8_kernel k_int8_base = {"base", int8_product, round_row};

}  // namespace assay::model
