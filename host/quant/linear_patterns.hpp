// Checks that each pattern of a recipe (`keep`, `overrides`) names a linear of the model. Without the
// check, a mistyped pattern in `keep` would silently keep nothing. matches_linear in recipe.hpp
// compares one pattern with one linear.
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

// Returns the pattern that was probably meant, in quotes. If `pattern` is the beginning of names
// ("model.layers.0"), this is a regular expression for them. If `pattern` is a part of names
// ("down_proj"), it is the roles of these linears. Otherwise it is the role or name that differs in
// the fewest letters; "" if none is near.
std::string nearest_pattern(const std::string &pattern, const std::vector<linear_name> &linears);

// Throws error(usage) for the first pattern of `keep` and `overrides` that names no linear, and suggests
// the nearest one that does. Also throws error(usage) if the recipe both keeps and quantizes the
// embedding. A pattern may also name a tied head, which shares the embedding's matrix. where: the
// place named in the message.
void require_patterns(const recipe &, const model::decoder_config &config,
                      const std::string &where = "recipe");

}  // namespace assay::quant
