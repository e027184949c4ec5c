// The character classes of the Hugging Face library `tokenizers` as arrays of runs, from which unicode.cpp builds its
// table. To look up the class of a character, use char_classes of unicode.hpp. Each array k_newer_... has the
// characters of one Unicode category (Lu, Ll, ...) that came after Unicode 14: text/regex_translate adds these
// characters to patterns for a regex library that does not know them.
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
