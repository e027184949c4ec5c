// The reference library's character classes as arrays of runs, for unicode.cpp to expand.
// Not for look-ups; char_classes in unicode.hpp is.
#pragma once

#include <cstddef>
#include <cstdint>

namespace assay::text::ranges {

#define ASSAY_RANGE(name)       \
  extern const uint32_t name[]; \
  extern const size_t name##_count;
ASSAY_RANGE(k_letter)
ASSAY_RANGE(k_number)
ASSAY_RANGE(k_mark)
ASSAY_RANGE(k_space)
ASSAY_RANGE(k_numeric_extra)
ASSAY_RANGE(k_punctuation)
ASSAY_RANGE(k_word_extra)
ASSAY_RANGE(k_nfc_active)
ASSAY_RANGE(k_newer_lu)
ASSAY_RANGE(k_newer_ll)
ASSAY_RANGE(k_newer_lm)
ASSAY_RANGE(k_newer_lo)
ASSAY_RANGE(k_newer_mn)
ASSAY_RANGE(k_newer_mc)
ASSAY_RANGE(k_newer_nd)
ASSAY_RANGE(k_newer_no)
#undef ASSAY_RANGE

}  // namespace assay::text::ranges
