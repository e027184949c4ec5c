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

}  // namespace assay
