// Declares the measurement of `assay doctor` that shows how fast each kernel multiplies from packed codes
// on this processor, and which one is chosen.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace assay::cmd {

struct kernel_rate {
  std::string format, kernel;  // "W4 g128", "avx512"
  int64_t tokens = 0;          // inputs that are multiplied at once
  double seconds = 0;          // of one product, the best of some
  double bytes = 0;            // of codes and scales that one product reads
  double operations = 0;       // of one product; a multiply-add counts as two
  bool chosen = false;         // what assay uses
};

struct kernel_table {
  int64_t rows = 0, columns = 0;  // of the matrix
  int threads = 0;
  double read_bytes = 0;  // that this machine reads from memory in a second
  std::vector<kernel_rate> rates;
};

// Measures for a few seconds. Throws error(usage) if ASSAY_KERNEL names no kernel of this processor.
kernel_table measure_kernels();

}  // namespace assay::cmd
