// ASSAY_CLONES before a function: the compiler makes one copy of its loops for each instruction set, and the copy for this
// processor is chosen when the program starts. Without g++ on x86-64, and with AddressSanitizer, there is one copy.
#pragma once

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && \
    !defined(__SANITIZE_ADDRESS__)
#define ASSAY_CLONES __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define ASSAY_CLONES
#endif
