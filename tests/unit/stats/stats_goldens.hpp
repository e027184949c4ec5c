// Reads SciPy's answers in tests/golden/stats, for the tests of statistics.
#pragma once

#include <string>
#include <vector>

#include "core/json.hpp"

inline const assay::json &goldens() {
  static const assay::json value =
      assay::read_json_file(std::string(ASSAY_SOURCE_DIR) + "/tests/golden/stats/stats.json");
  return value;
}

inline std::vector<double> numbers(const assay::json &list) {
  return list.get<std::vector<double>>();
}
