// Writes quantization_config into the text of config.json, of which every byte stays.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "plan.hpp"

namespace hf {

// The linears of each scheme in the order of the model. One scheme: the group targets
// "Linear"; several: names.
using scheme_groups = std::map<scheme, std::vector<std::string>>;

// The plan says what else there is: rounded inputs, a key-value scheme.
std::string quantization_config(const scheme_groups &groups, const std::vector<std::string> &ignore,
                                const plan &p);
// config.json with "quantization_config": value as its last key. Throws std::runtime_error if
// `config` is no object
// or has that key already.
std::string with_quantization_config(std::string_view config, const std::string &value);

}  // namespace hf
