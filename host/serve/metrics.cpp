// Histograms, and the text that a scraper reads.
#include "serve/metrics.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>

namespace assay::serve {
namespace {

constexpr double k_first = 1e-4, k_factor = 1.25;

double end_of(int bucket) {
  return k_first * std::pow(k_factor, bucket);
}

double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

std::string number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.6g", value);
  return text;
}

void print_one(std::string &to, const std::string &name, const std::string &type,
               const std::string &help, int64_t value) {
  to += "# HELP " + name + " " + help + "\n# TYPE " + name + " " + type + "\n" + name + " " +
        std::to_string(value) + "\n";
}

}  // namespace

void histogram::add(double seconds) {
  int bucket = 0;
  while (bucket < k_buckets && seconds > end_of(bucket)) ++bucket;
  const std::lock_guard lock(mutex_);
  ++counts_[static_cast<size_t>(bucket)];
  sum_ += seconds;
}

double histogram::count() const {
  const std::lock_guard lock(mutex_);
  double all = 0;
  for (const uint64_t n : counts_) all += static_cast<double>(n);
  return all;
}

void histogram::print(std::string &to, const std::string &name, const std::string &help) const {
  const std::lock_guard lock(mutex_);
  to += "# HELP " + name + " " + help + "\n# TYPE " + name + " histogram\n";
  uint64_t all = 0;
  for (int i = 0; i <= k_buckets; ++i) {
    all += counts_[static_cast<size_t>(i)];
    to += name + "_bucket{le=\"" + (i < k_buckets ? number(end_of(i)) : "+Inf") + "\"} " +
          std::to_string(all) + "\n";
  }
  to += name + "_sum " + number(sum_) + "\n" + name + "_count " + std::to_string(all) + "\n";
}

void metrics::reject(const std::string &reason) {
  const std::lock_guard lock(mutex_);
  ++rejected_[reason];
}

int64_t metrics::rejected(const std::string &reason) const {
  const std::lock_guard lock(mutex_);
  const auto at = rejected_.find(reason);
  return at == rejected_.end() ? 0 : at->second;
}

void metrics::ended() {
  const std::lock_guard lock(mutex_);
  starts_[n_starts_++ % starts_.size()] = now();
}

int metrics::retry_after(int64_t waiting) const {
  const std::lock_guard lock(mutex_);
  const size_t n = std::min(n_starts_, starts_.size());
  if (n == 0) return 1;
  const double since =
      now() - (n_starts_ < starts_.size() ? starts_[0] : starts_[n_starts_ % starts_.size()]);
  const double rate = static_cast<double>(n) / std::max(since, 1e-3);
  return static_cast<int>(std::clamp(std::ceil(static_cast<double>(waiting) / rate), 1.0, 60.0));
}

std::string metrics::text(const engine::service_state &state) const {
  std::string out;
  print_one(out, "assay_requests_running", "gauge", "Answers that are being computed",
            state.running);
  print_one(out, "assay_requests_waiting", "gauge", "Requests in the queue", state.waiting);
  print_one(out, "assay_kv_tokens_used", "gauge", "Tokens whose keys and values are held",
            state.kv_used);
  print_one(out, "assay_kv_tokens_reserved", "gauge",
            "Tokens for which running requests hold memory", state.kv_reserved);
  print_one(out, "assay_kv_tokens_capacity", "gauge", "Tokens for which there is memory",
            state.kv_capacity);
  print_one(out, "assay_prompt_tokens_total", "counter", "Tokens of prompts that started",
            state.prompt_tokens);
  print_one(out, "assay_generated_tokens_total", "counter",
            "Tokens chosen, ends of answers included", state.answer_tokens);
  print_one(out, "assay_shared_tokens_total", "counter",
            "Tokens of prompts that were not computed again", 0);
  print_one(out, "assay_steps_total", "counter", "Forward passes", state.steps);
  print_one(out, "assay_halvings_total", "counter",
            "Times that memory ran out and passes became smaller", state.halvings);
  print_one(out, "assay_cancelled_total", "counter", "Requests that were cancelled",
            state.cancelled);
  print_one(out, "assay_failed_total", "counter", "Requests that failed in the model",
            state.failed);
  print_one(out, "assay_ignored_fields_total", "counter",
            "Fields of requests that are not known here", ignored_fields);
  {
    const std::lock_guard lock(mutex_);
    out +=
        "# HELP assay_rejected_total Requests that were refused\n# TYPE assay_rejected_total "
        "counter\n";
    for (const auto &[reason, n] : rejected_)
      out += "assay_rejected_total{reason=\"" + reason + "\"} " + std::to_string(n) + "\n";
  }
  ttft.print(out, "assay_ttft_seconds", "From a request's last byte to its first token");
  itl.print(out, "assay_itl_seconds", "Between two tokens of an answer");
  e2e.print(out, "assay_e2e_seconds", "From a request's last byte to its last token");
  queue.print(out, "assay_queue_seconds", "In the queue");
  step.print(out, "assay_step_seconds", "One forward pass");
  return out;
}

}  // namespace assay::serve
