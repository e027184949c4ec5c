// Computes the sizes of a decoder's parts from its config, and the name prefix of a block.
#include "model/decoder_layout.hpp"

namespace assay::model {

int64_t width_of(const decoder_config &config, width which) {
  switch (which) {
    case width::hidden:
      return config.hidden_size;
    case width::mlp:
      return config.intermediate_size;
    case width::queries:
      return config.q_size();
    case width::keys:
      return config.kv_size();
    case width::head:
      return config.head_dim;
  }
  return 0;
}

std::string block_prefix(int64_t layer) {
  return "model.layers." + std::to_string(layer) + ".";
}

}  // namespace assay::model
