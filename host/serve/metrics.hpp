// What the server counts and measures, in the text format of Prometheus (its documentation, "Exposition formats", version 0.0.4).
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>

#include "engine/service.hpp"

namespace assay::serve {

// Counts of values in buckets whose upper ends grow by a factor of 1.25, from 0.1 ms to 300 s: a quantile read from them is off by a
// tenth at most.
class histogram {
 public:
  void add(double seconds);
  // Appends the lines of this histogram.
  void print(std::string &to, const std::string &name, const std::string &help) const;
  double count() const;

 private:
  static constexpr int k_buckets = 68;
  mutable std::mutex mutex_;
  std::array<uint64_t, k_buckets + 1> counts_{};  // the last one: larger than all ends
  double sum_ = 0;
};

class metrics {
 public:
  histogram ttft, itl, e2e, queue, step;   // seconds
  std::atomic<int64_t> ignored_fields{0};  // that clients sent and this server does not know
  void reject(const std::string &reason);  // a request was refused
  int64_t rejected(const std::string &reason) const;
  void ended();  // a request has ended, so that another one can start
  // Seconds until a place in the queue is likely to be free, from 1 to 60: waiting requests over the rate at which
  // they ended of late
  int retry_after(int64_t waiting) const;
  std::string text(const engine::service_state &state) const;

 private:
  mutable std::mutex mutex_;
  std::map<std::string, int64_t> rejected_;
  std::array<double, 16> starts_{};  // times of the last starts, in turn
  size_t n_starts_ = 0;
};

}  // namespace assay::serve
