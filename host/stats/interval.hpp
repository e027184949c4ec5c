// An estimate with its uncertainty: what every statistic of this layer returns.
// Not a formatter: rounding and words belong to the report.
#pragma once

#include <string>

namespace assay::stats {

struct interval {
  double estimate = 0.0;
  double low = 0.0;
  double high = 0.0;
  double level = 0.95;  // coverage aimed at, two-sided
  std::string method;   // "Wilson", "paired block bootstrap over windows, BCa, 10000 replicates,
                        // seed 1", ...
};

}  // namespace assay::stats
