// Progress of long work: who does the work reports it, one sink draws it as a line with an ETA.
// Not a log (core/log); the work's results never depend on it.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

namespace assay {

// Called by the working thread. total 0 = unknown. An empty function is legal everywhere:
// "do not report".
using progress_fn = std::function<void(uint64_t done, uint64_t total, const std::string &what)>;

inline void report_progress(const progress_fn &progress, uint64_t done, uint64_t total,
                            const std::string &what) {
  if (progress) progress(done, total, what);
}

// What is left of a piece of work, from its own speed. Where the share that is done falls, the next
// piece began: a run that has searched scales and starts to round owes nothing to the first clock.
class pace {
 public:
  explicit pace(double now) : began_(now) {}
  // Seconds left at `now` (seconds of any clock); nullopt before a share is done, and at the end.
  std::optional<double> left(uint64_t done, uint64_t total, double now);

 private:
  double began_, share_ = 0;
};

// Draws on stderr: one line that is overwritten ten times a second on a terminal, else a plain line
// every few seconds. Never colours. Quiet draws nothing.
class progress_line {
 public:
  explicit progress_line(bool quiet = false);
  ~progress_line();
  progress_line(const progress_line &) = delete;
  progress_line &operator=(const progress_line &) = delete;

  // Starts a new piece of work: its clock and its ETA begin here.
  void begin(const std::string &title);
  void update(uint64_t done, uint64_t total, const std::string &what);
  void finish();  // erases the line on a terminal; idempotent
  progress_fn sink();

 private:
  void draw(const std::string &text);
  bool quiet_, terminal_, drawn_ = false;
  std::string title_;
  double last_;  // seconds of the steady clock
  pace pace_;
};

// "4.2 s", "3 min 05 s", "2 h 07 min".
std::string duration_text(double seconds);
// "512 B", "93.1 MB", "1.20 GB" (powers of ten).
std::string bytes_text(double bytes);

}  // namespace assay
