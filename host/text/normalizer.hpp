// Normalizers change a text before it is cut into pieces, for example to lower case or to the
// Unicode normal form NFC.
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

// Makes normalizers from the value "normalizer" of a tokenizer.json; null gives none. Throws
// error(failed) that names an unknown normalizer.
normalizer_chain make_normalizers(const json &description);

inline void normalize(const normalizer_chain &chain, std::string &text) {
  for (const auto &stage : chain) stage->apply(text);
}

}  // namespace assay::text
