// What the formats and their consumers cannot hold. Found from the plan alone, so that a model is
// refused before any of it is quantized.
#pragma once

#include "exporters.hpp"
#include "plan.hpp"

namespace hf {

// Codes of these widths are packed in one way by all versions of compressed-tensors.
bool holds_bits(const options &o, int64_t bits);
// What no exporter here can hold: schemes that nobody knows, biases that
// config.json cannot announce.
void refuse_strange(const plan &p, const refuse_fn &refuse);

}  // namespace hf
