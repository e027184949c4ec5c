// Reads memory from /proc, disk space with statvfs and CPU time with getrusage; checks numbers of threads.
#include "core/resources.hpp"

#include <sys/resource.h>
#include <sys/statvfs.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <thread>

#include "core/error.hpp"

namespace assay {
namespace {

constexpr int k_threads_per_processor = 16;

int processors() {
  return static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
}

// Reads a file in /proc and returns the value of the line that begins with `key`, in bytes; 0 if there is no such line.
// `key` includes the colon: "VmRSS:" for the line "VmRSS:  5120 kB".
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

int most_threads() {
  return k_threads_per_processor * processors();
}

void require_threads(int64_t n, const std::string &where) {
  if (n <= most_threads()) return;
  throw error(error_kind::usage, where + ": at most " + std::to_string(most_threads()) +
                                     " threads on this machine of " + std::to_string(processors()) +
                                     " processors")
      .hint(
          "More threads than processors only take turns; if you give no number, each processor "
          "gets one thread");
}

void require_environment_threads() {
  for (const char *name : {"OMP_NUM_THREADS", "MKL_NUM_THREADS"})
    if (const char *text = std::getenv(name))
      require_threads(std::strtoll(text, nullptr, 10), std::string(name) + "=" + text);
}

}  // namespace assay
