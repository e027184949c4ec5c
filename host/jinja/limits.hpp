// Declares the limits on one rendering of a template. `budget` in jinja/value.hpp counts the use.
#pragma once

#include <cstdint>

namespace assay::text {

// These limits ensure that no template loops for ever or fills the memory.
struct template_limits {
  uint64_t steps = 20'000'000;        // evaluated nodes, list items, scanned text (32 bytes each)
  uint64_t output_bytes = 64u << 20;  // bytes of the result
  uint64_t value_bytes = 256u << 20;  // bytes of all strings and lists made on the way
  int depth = 500;                    // nesting of expressions, blocks and macro calls
};

}  // namespace assay::text
