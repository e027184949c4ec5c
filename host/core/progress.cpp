// Draws the progress line, and writes durations and sizes with units.
#include "core/progress.hpp"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>

namespace assay {
namespace {

constexpr double k_terminal_interval_seconds = 0.1;
constexpr double k_plain_interval_seconds = 5.0;

double seconds_now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

}  // namespace

std::optional<double> pace::left(uint64_t done, uint64_t total, double now) {
  const double share = total > 0 ? static_cast<double>(done) / static_cast<double>(total) : 0;
  if (share < share_) began_ = now;
  share_ = share;
  if (share <= 0 || share >= 1 || now <= began_) return std::nullopt;
  return (now - began_) * static_cast<double>(total - done) / static_cast<double>(done);
}

progress_line::progress_line(bool quiet)
    : quiet_(quiet), terminal_(::isatty(STDERR_FILENO) == 1), last_(seconds_now()), pace_(last_) {}

progress_line::~progress_line() {
  finish();
}

void progress_line::begin(const std::string &title) {
  finish();
  title_ = title;
  last_ = seconds_now();
  pace_ = pace(last_);
}

void progress_line::update(uint64_t done, uint64_t total, const std::string &what) {
  if (quiet_) return;
  const double now = seconds_now();
  const std::optional<double> left = pace_.left(done, total, now);
  const double interval = terminal_ ? k_terminal_interval_seconds : k_plain_interval_seconds;
  if (now - last_ < interval) return;
  last_ = now;
  std::string text = title_;
  if (!what.empty()) text += (text.empty() ? "" : "  ") + what;
  if (total > 0) text += "  " + std::to_string(100 * done / total) + " %";
  if (left) text += "  " + duration_text(*left) + " left";
  draw(text);
}

void progress_line::draw(const std::string &text) {
  size_t end = std::min<size_t>(text.size(), 118);  // bytes, so that the text stays on one line
  while (end < text.size() && end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80)
    --end;  // never cuts a UTF-8 character in two
  if (terminal_)
    std::fprintf(stderr, "\r\033[K%.*s", static_cast<int>(end), text.c_str());
  else
    std::fprintf(stderr, "%s\n", text.c_str());
  std::fflush(stderr);
  drawn_ = true;
}

void progress_line::finish() {
  if (drawn_ && terminal_) std::fprintf(stderr, "\r\033[K");
  drawn_ = false;
}

progress_fn progress_line::sink() {
  return
      [this](uint64_t done, uint64_t total, const std::string &what) { update(done, total, what); };
}

std::string duration_text(double seconds) {
  char text[48];
  const auto whole = static_cast<long>(std::lround(seconds));
  if (seconds < 59.95)
    std::snprintf(text, sizeof text, "%.1f s", seconds);
  else if (whole < 3600)
    std::snprintf(text, sizeof text, "%ld min %02ld s", whole / 60, whole % 60);
  else
    std::snprintf(text, sizeof text, "%ld h %02ld min", whole / 3600, whole % 3600 / 60);
  return text;
}

std::string bytes_text(double bytes) {
  static const char *const units[] = {"B", "kB", "MB", "GB", "TB"};
  int unit = 0;
  while (bytes >= 999.5 && unit < 4) {
    bytes /= 1000;
    ++unit;
  }
  char text[32];
  const int decimals = unit == 0 || bytes >= 99.95 ? 0 : bytes >= 9.995 ? 1 : 2;
  std::snprintf(text, sizeof text, "%.*f %s", decimals, bytes, units[unit]);
  return text;
}

}  // namespace assay
