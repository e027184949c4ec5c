// Makes LibTorch take the memory of CPU tensors from malloc, so that freed memory is used again.
#pragma once

namespace assay::lua {

// LibTorch itself allocates with posix_memalign. Before version 2.38, glibc then takes size + alignment
// bytes and uses what is left over for small blocks. The gap that a freed tensor leaves is therefore a
// little too small for the next tensor of the same size. 10,000 tensors of 1 MiB, two alive at a time,
// made the process grow by 1.6 GiB; with malloc, and alignment done here, the process does not grow
// (measured 2026-11, glibc 2.36). Call this function once, before the first tensor is made.
void use_plain_tensor_memory();

}  // namespace assay::lua
