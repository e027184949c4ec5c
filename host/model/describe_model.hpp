// What a checkpoint is, as data: for `assay model DIR`, doctor and reports. Not a loader: no
// weight is read.
#pragma once

#include "checkpoint/checkpoint.hpp"
#include "core/json.hpp"

namespace assay::model {

// {name, path, architecture, family, sizes {...}, parameters, stored {format: {tensors,
// parameters, bytes}}, bytes, tied, quant_method, linears [{role, count, out, in, parameters}],
// context, rope, windows, eos, chat_template, provenance, supported, why_not [, fingerprint]}.
// parameters are counted from the tensors, never from the config. A model that cannot run is
// described all the same; `why_not` says why. The fingerprint reads every byte.
json describe_model(const checkpoint &source, bool with_fingerprint = false);

}  // namespace assay::model
