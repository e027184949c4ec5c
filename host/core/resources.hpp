// What this process uses and what the machine has left. Linux only: reads /proc.
#pragma once

#include <cstdint>
#include <string>

namespace assay {

uint64_t resident_bytes();                          // now
uint64_t peak_resident_bytes();                     // since the start or the last reset
bool reset_peak_resident();                         // false where the kernel refuses it
uint64_t available_memory_bytes();                  // MemAvailable
uint64_t free_disk_bytes(const std::string &path);  // 0 if the path does not exist
double process_cpu_seconds();

// Threads that this process may start for its arithmetic: 16 for each processor that it may use. More of them only take
// turns, and thousands end in a failure of the system.
int most_threads();
// Throws error(usage) naming `where` the number comes from ("--threads 4096") if it is above most_threads().
void require_threads(int64_t n, const std::string &where);
// Likewise for OMP_NUM_THREADS and MKL_NUM_THREADS, which decide where no --threads is given.
void require_environment_threads();

}  // namespace assay
