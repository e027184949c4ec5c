// Compiles the int8 kernel for AVX-512 with VNNI (dot products of bytes). The file is empty if the
// target is not x86-64.
#include "packed/int8_body.hpp"

namespace assay::model {

#if defined(__AVX512VNNI__)
extern const int8_kernel k_int8_vnni;
const int8_kernel k_int8_vnni = {"avx512-vnni", int8_product, round_row};
#endif

}  // namespace assay::model
