// Does config.json ask for maths that the forward does not have? Keys of other architectures are known by name; a key that
// nobody knows is taken by its words. Not the reading of the keys that are known (decoder_config.cpp).
#pragma once

#include <optional>
#include <string>

#include "core/json.hpp"

namespace assay::model {

// "config.json: 'num_experts' = 8" for the first key that would change the result; none where there is no such key.
std::optional<std::string> foreign_maths(const json &config);

}  // namespace assay::model
