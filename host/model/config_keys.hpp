// Finds keys of config.json that ask for computations which the forward pass does not have. Some
// keys of other architectures are listed by name; any other key is judged by the words in its name.
#pragma once

#include <optional>
#include <string>

#include "core/json.hpp"
#include "model/decoder_families.hpp"

namespace assay::model {

// Returns a text such as "config.json: 'num_experts' = 8" for the first key that would change the
// result; nullopt if there is none. The keys that the family reads are not foreign.
std::optional<std::string> foreign_maths(const json &config, const decoder_family &family);

}  // namespace assay::model
