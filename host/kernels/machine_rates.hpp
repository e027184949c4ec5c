// Measures how fast this machine reads memory and multiplies, so that a speed measured in the same
// run can be reported as a share of the machine's rate.
#pragma once

namespace assay::model {

// Bytes a second that all threads read from memory together; the best of 6 passes over 256 MiB, more
// than the caches of most machines hold. Takes about 0.1 s.
double read_rate();
// fp32 operations a second (a multiply-add counts as two) of all threads together; the best of 6
// products of 1536 x 1536 matrices, by the library that the forward pass uses. Takes about 0.3 s.
double fp32_rate();

}  // namespace assay::model
