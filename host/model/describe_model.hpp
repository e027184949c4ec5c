// Describes a checkpoint as data, for `assay model DIR`, doctor and reports. It reads no weight.
#pragma once

#include "checkpoint/checkpoint.hpp"
#include "core/json.hpp"

namespace assay::model {

// Returns {name, path, architecture, family, sizes {...}, parameters, stored {format: {tensors,
// parameters, bytes}}, bytes, tied, quant_method, linears [{role, count, out, in, parameters}],
// context, rope, windows, eos, chat_template, provenance, supported, why_not [, fingerprint]}.
// Parameters are counted from the tensors, never taken from the config. A model that cannot run is
// described too, and `why_not` says why. The fingerprint reads every byte.
json describe_model(const checkpoint &source, bool with_fingerprint = false);

}  // namespace assay::model
