// Makes the text of quantization_config and inserts it into config.json, whose other bytes stay.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "plan.hpp"

namespace hf {

// The names of the linears of each scheme (format and grid), in the order of the model.
using scheme_groups = std::map<scheme, std::vector<std::string>>;

// Returns the JSON of quantization_config. If there is one scheme, it applies to all modules of class
// "Linear"; if there are several, each lists its linears. ignore: linears that stay float. p: has the
// schemes of inputs and cache.
std::string quantization_config(const scheme_groups &groups, const std::vector<std::string> &ignore,
                                const plan &p);
// Returns config.json with "quantization_config": value as its last key. Throws std::runtime_error if
// `config` is no object or has that key already.
std::string with_quantization_config(std::string_view config, const std::string &value);

}  // namespace hf
