// Progress of long work: the code that does the work calls a function, which draws one line with the estimated time left.
// This is not a log: nothing is stored, and the results of the work never depend on it.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

namespace assay {

// The working thread calls this function: `done` of `total` steps are finished, and `what` names the work. total
// 0 means that the number of steps is unknown. Every function that takes a progress_fn also takes an empty one,
// and then reports nothing.
using progress_fn = std::function<void(uint64_t done, uint64_t total, const std::string &what)>;

inline void report_progress(const progress_fn &progress, uint64_t done, uint64_t total,
                            const std::string &what) {
  if (progress) progress(done, total, what);
}

// Estimates how long a piece of work will still take; the estimate uses the speed so far. If the share done / total
// falls, a new piece of work has begun, and the estimate starts again. Example: a run first searches scales and then
// rounds, at another speed.
class pace {
 public:
  explicit pace(double now) : began_(now) {}
  // Seconds left at `now` (in seconds of any clock); nullopt if done is 0, if all is done, and when a new piece of work has just begun.
  std::optional<double> left(uint64_t done, uint64_t total, double now);

 private:
  // When this piece of work began; the share that was done at the last call
  double began_, share_ = 0;
};

// Draws progress on stderr, without colours. On a terminal it overwrites one line up to ten times a second; elsewhere it prints
// at most one new line in 5 seconds. If `quiet` is true, it draws nothing.
class progress_line {
 public:
  explicit progress_line(bool quiet = false);
  ~progress_line();
  progress_line(const progress_line &) = delete;
  progress_line &operator=(const progress_line &) = delete;

  // Starts a new piece of work: its time is measured from here.
  void begin(const std::string &title);
  void update(uint64_t done, uint64_t total, const std::string &what);
  void finish();       // erases the line on a terminal; may be called more than once
  progress_fn sink();  // a function that calls update(); this object must outlive it

 private:
  void draw(const std::string &text);
  bool quiet_, terminal_, drawn_ = false;
  std::string title_;
  double last_;  // when it last drew or began, in seconds of the steady clock
  pace pace_;
};

// "4.2 s", "3 min 05 s", "2 h 07 min".
std::string duration_text(double seconds);
// "512 B", "93.1 MB", "1.20 GB"; 1 kB is 1000 B.
std::string bytes_text(double bytes);

}  // namespace assay
