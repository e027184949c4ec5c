// Declares the limits on one rendering of a template. `budget` (jinja/value.hpp) counts steps and bytes
// of values; the machine (jinja/machine.hpp) counts bytes of output and the depth.
#pragma once

#include <cstdint>

namespace assay::text {

// These limits ensure that no template loops for ever or fills the memory. One step is an evaluated
// expression or statement, an item of a list, or 32 bytes of scanned text.
struct template_limits {
  uint64_t steps = 20'000'000;        // steps of one rendering
  uint64_t output_bytes = 64u << 20;  // bytes of the result
  uint64_t value_bytes = 256u << 20;  // bytes of all values that the rendering makes
  int depth = 500;                    // nesting of expressions, blocks and macro calls
};

}  // namespace assay::text
