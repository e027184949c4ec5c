// An estimate with its confidence interval: the result of most functions of this room.
// This room does not format it: the report rounds the numbers and chooses the words.
#pragma once

#include <string>

namespace assay::stats {

struct interval {
  double estimate = 0.0;
  double low = 0.0;
  double high = 0.0;
  double level = 0.95;  // two-sided confidence level
  // "Wilson", "paired block bootstrap, BCa, 10000 replicates, seed 1, 40 windows", ...
  std::string method;
};

}  // namespace assay::stats
