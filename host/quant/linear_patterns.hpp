// Patterns of a recipe (`keep`, `overrides`) against the linears of a model: one that names none is an exception that would
// silently not be made. Not the matching of one linear (recipe.hpp).
#pragma once

#include <string>
#include <vector>

#include "model/decoder_config.hpp"
#include "quant/recipe.hpp"

namespace assay::quant {

struct linear_name {
  std::string name;  // "model.layers.0.mlp.down_proj"
  std::string role;  // "mlp.down"
};

// All linears of a model of this shape: block by block in forward order, then the embedding and the head.
std::vector<linear_name> linear_names(const model::decoder_config &config);

// The pattern that was probably meant, in quotes: roles where a part of their linears' names was given ("down_proj"), an
// expression where a beginning was ("model.layers.0"), else the nearest role or name; "" if none is near.
std::string nearest_pattern(const std::string &pattern, const std::vector<linear_name> &linears);

// Throws error(usage) for the first pattern of `keep` and `overrides` that names no linear, with
// the nearest one that does, and for an embedding that is kept and quantized at once. The head has
// a name in a tied model too. `where` is the place shown.
void require_patterns(const recipe &, const model::decoder_config &config,
                      const std::string &where = "recipe");

}  // namespace assay::quant
