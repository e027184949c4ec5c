// Measures what this machine can do at most, so that speeds can be told as shares of it in the same run.
#pragma once

namespace assay::model {

// Bytes a second that all threads read from memory together; the best of some passes over 256 MB,
// which no cache holds. Takes about 0.1 s.
double read_rate();
// fp32 operations a second (a multiply-add counts as two) of all threads together; the best of some
// products of this size, by the library that the forward pass uses. Takes about 0.3 s.
double fp32_rate();

}  // namespace assay::model
