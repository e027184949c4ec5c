// Reads the settings of YaRN and LongRoPE from config.json, and checks that the angles of a model fit its heads.
#pragma once

#include <string>

#include "core/json.hpp"
#include "model/decoder_config.hpp"

namespace assay::model {

// spec: the RoPE parameters of config.json; `out` has theta, factor and original_max_positions. where: the folder, for messages. All throw
// error(failed) for a value that cannot be right.
void read_yarn(const json &spec, const std::string &where, rope_config &out);

// LongRoPE has one list of divisors for texts within the original context and one for longer texts. The cache of keys
// would mix both, so only the first is used, and longer texts are refused (check_ropes).
void read_longrope(const json &spec, const std::string &where, rope_config &out);

// Refuses angles that do not fit the heads. With LongRoPE, limits max_positions to the original context.
void check_ropes(const std::string &where, decoder_config &config);

}  // namespace assay::model
