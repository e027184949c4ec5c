// Normalizers: what a text is turned into before it is cut into pieces.
// Not decoding; see detokenizer.hpp.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/json.hpp"

namespace assay::text {

class normalizer {
 public:
  virtual ~normalizer() = default;
  virtual void apply(std::string &text) const = 0;  // valid UTF-8 in and out
};

using normalizer_chain = std::vector<std::unique_ptr<const normalizer>>;

// From the "normalizer" value of a tokenizer.json. Throws error(failed) naming what is unknown.
normalizer_chain make_normalizers(const json &description);

inline void normalize(const normalizer_chain &chain, std::string &text) {
  for (const auto &stage : chain) stage->apply(text);
}

}  // namespace assay::text
