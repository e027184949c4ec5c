// Declares checks that refuse what the formats, or the programs that load them, cannot hold. The checks
// need only the plan, so a model is refused before any of it is quantized.
#pragma once

#include "exporters.hpp"
#include "plan.hpp"

namespace hf {

// Whether codes of this width can be written. All versions of compressed-tensors pack 2, 4 and 8 bits
// alike; the other widths need options::dense_packing.
bool holds_bits(const options &o, int64_t bits);
// Refuses what no exporter here can hold: schemes that are not known here, and biases for which the
// model's config.json has no key.
void refuse_strange(const plan &p, const refuse_fn &refuse);

}  // namespace hf
