// Loads a golden model as a decoder, and makes token ids for it, for tests of the engine.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "checkpoint/checkpoint.hpp"
#include "model/decoder.hpp"

namespace assay_test {

inline assay::model::decoder tiny(const std::string &name = "llama-gqa-untied") {
  const std::string folder = ASSAY_SOURCE_DIR "/tests/golden/models/";
  return assay::model::decoder::load(*assay::model::checkpoint::open(folder + name));
}

inline std::vector<int64_t> some_ids(int64_t n, int64_t start = 0) {
  std::vector<int64_t> ids;
  for (int64_t i = 0; i < n; ++i) ids.push_back((start + 7 * i) % 90);
  return ids;
}

}  // namespace assay_test
