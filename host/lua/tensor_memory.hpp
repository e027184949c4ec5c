// CPU memory of tensors: plain malloc, so that freed blocks are used again.
// Not a cache and not a limit.
#pragma once

namespace assay::lua {

// LibTorch allocates with posix_memalign. glibc before 2.38 asks for size + alignment inside and
// leaves the trimmed ends in its small bins, so the hole of a freed tensor never fits the next one of
// the same size once anything small lies beside it: 10,000 tensors of 1 MiB, two alive at a time, grew
// the process by 1.6 GiB. With malloc and alignment by hand they grow it by nothing (measured
// 2026-11, glibc 2.36). Call once, before the first tensor.
void use_plain_tensor_memory();

}  // namespace assay::lua
