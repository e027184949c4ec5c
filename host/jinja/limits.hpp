// Bounds on the work of one rendering. Not the counting itself (value.hpp).
#pragma once

#include <cstdint>

namespace assay::text {

// Bounds on one rendering, so that no template can loop for ever or fill the memory.
struct template_limits {
  uint64_t steps = 20'000'000;        // evaluated nodes and produced list elements
  uint64_t output_bytes = 64u << 20;  // bytes of the result
  uint64_t value_bytes = 256u << 20;  // bytes of all strings and lists made on the way
  int depth = 500;                    // nesting of expressions, blocks and macro calls
};

}  // namespace assay::text
