// Reading /proc/self/status, /proc/meminfo and statvfs.
#include "core/resources.hpp"

#include <sys/resource.h>
#include <sys/statvfs.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>

namespace assay {
namespace {

// The number of kB behind "KEY:" in a /proc table, as bytes; 0 if absent.
uint64_t proc_value(const char *file, const std::string &key) {
  std::ifstream in(file);
  for (std::string line; std::getline(in, line);)
    if (line.compare(0, key.size(), key) == 0)
      return std::strtoull(line.c_str() + key.size(), nullptr, 10) * 1024;
  return 0;
}

double as_seconds(const timeval &t) {
  return static_cast<double>(t.tv_sec) + 1e-6 * static_cast<double>(t.tv_usec);
}

}  // namespace

uint64_t resident_bytes() {
  return proc_value("/proc/self/status", "VmRSS:");
}

uint64_t peak_resident_bytes() {
  return proc_value("/proc/self/status", "VmHWM:");
}

bool reset_peak_resident() {
  std::ofstream out("/proc/self/clear_refs");
  out << "5";
  out.flush();
  return out.good();
}

uint64_t available_memory_bytes() {
  return proc_value("/proc/meminfo", "MemAvailable:");
}

uint64_t free_disk_bytes(const std::string &path) {
  struct statvfs info {};
  if (::statvfs(path.c_str(), &info) != 0) return 0;
  return static_cast<uint64_t>(info.f_bavail) * info.f_frsize;
}

double process_cpu_seconds() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return as_seconds(usage.ru_utime) + as_seconds(usage.ru_stime);
}

}  // namespace assay
