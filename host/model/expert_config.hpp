// Reads the keys of config.json that describe experts (mixture of experts): how many there are, how a token chooses among them, and
// which layers have them.
#pragma once

#include "model/config_reader.hpp"
#include "model/decoder_families.hpp"

namespace assay::model {

// Sets decoder_config::experts; leaves it as it is for a family without experts. Needs n_layers and intermediate_size. Throws
// error(failed) for counts that do not fit together.
void read_experts(const config_reader &in, const decoder_family &family, decoder_config &out);

}  // namespace assay::model
