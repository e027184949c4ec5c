// Finds keys of config.json that ask for computations which the forward pass does not have. Keys of
// other architectures are known by name; an unknown key is judged by the words in it.
#pragma once

#include <optional>
#include <string>

#include "core/json.hpp"

namespace assay::model {

// Returns "config.json: 'num_experts' = 8" for the first key that would change the result; nothing
// where there is no such key.
std::optional<std::string> foreign_maths(const json &config);

}  // namespace assay::model
