// Memory and CPU time that this process uses, and memory and disk space that the machine has left. Linux only: it reads /proc.
#pragma once

#include <cstdint>
#include <string>

namespace assay {

uint64_t resident_bytes();  // memory of this process now
// The largest value of resident_bytes since the start or the last reset
uint64_t peak_resident_bytes();
bool reset_peak_resident();         // false if the kernel refuses it
uint64_t available_memory_bytes();  // what the kernel can still give (MemAvailable)
// Free space on the disk that holds `path`; 0 if the path does not exist
uint64_t free_disk_bytes(const std::string &path);
double process_cpu_seconds();  // CPU time of all threads, in user and kernel mode

// The most threads that this process may start for its arithmetic: 16 for each processor. More threads than processors only
// take turns, and with thousands of them the system can refuse to start one.
int most_threads();
// Throws error(usage) if `n` is above most_threads(). `where` says where the number comes from, as in "--threads 4096".
void require_threads(int64_t n, const std::string &where);
// Checks the environment variables OMP_NUM_THREADS and MKL_NUM_THREADS in the same way. Call it if the user gave no --threads:
// then these variables decide the number of threads.
void require_environment_threads();

}  // namespace assay
