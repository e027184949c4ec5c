// Describes a checkpoint as data, for `assay model DIR`, `assay doctor` and reports. It reads no
// weights, except for the fingerprint and to compare a stored head with the embedding.
#pragma once

#include "checkpoint/checkpoint.hpp"
#include "core/json.hpp"

namespace assay::model {

// Returns {name, path, container, architecture, family, sizes {...}, parameters, stored {format:
// {tensors, parameters, bytes}}, bytes, tied, untied_by_weights, quant_method, linears [{role, count,
// out, in, parameters}], experts {count, per_token, hidden, layers, normalized, parameters, active_parameters} and
// active_parameters (both only for a model with experts), biases, qk_norm, maths {what differs from Llama}, context, rope, local_rope, windows, eos, stored_dtype,
// required_tensors, missing_tensors, unused_tensors, chat_template, provenance, supported, why_not, fingerprint}.
// Parameters are counted from the tensors, never taken from the config. A model that cannot run is
// described too: supported is then false, why_not says why, and the keys that need its parsed config
// are absent. fingerprint is there only if asked for, because it reads every byte.
json describe_model(const checkpoint &source, bool with_fingerprint = false);

}  // namespace assay::model
