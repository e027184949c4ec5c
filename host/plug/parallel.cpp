// Runs parallel loops on a pool of waiting threads, with the calling thread as one of them. Pieces are started in ascending order.
#include "plug/parallel.hpp"

#include <sched.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <limits>
#include <mutex>
#include <thread>

#include "core/cancel.hpp"
#include "plug/services.hpp"

namespace assay::plug {
namespace {

// More than 1, so that the other threads can take the remaining pieces while one thread works on a slow piece.
constexpr int64_t k_pieces_per_thread = 4;
constexpr int64_t k_no_piece = std::numeric_limits<int64_t>::max();

thread_local bool t_inside_loop = false;
std::atomic<int> g_wanted_threads{0};

int allowed_threads() {
  cpu_set_t cpus;
  CPU_ZERO(&cpus);
  if (sched_getaffinity(0, sizeof cpus, &cpus) == 0) return std::max(1, CPU_COUNT(&cpus));
  return std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
}

int thread_count() {
  const int wanted = g_wanted_threads.load();
  return wanted > 0 ? wanted : allowed_threads();
}

// One loop: what to run, which index comes next, and which piece failed.
struct loop {
  loop(int64_t n_indices, int64_t piece_length, assay_range_fn function, void *argument)
      : n(n_indices), piece(piece_length), body(function), arg(argument) {}

  const int64_t n, piece;
  const assay_range_fn body;
  void *const arg;
  std::atomic<int64_t> next{0};
  std::mutex guard;
  int64_t failed_piece = k_no_piece;  // first index of the lowest piece that failed
  int32_t status = ASSAY_OK;

  void record(int64_t begin, int32_t code) {
    const std::lock_guard<std::mutex> lock(guard);
    if (begin < failed_piece) {
      failed_piece = begin;
      status = code;
    }
    // Start no more pieces. All pieces below this one have been started already, so the lowest failure will still be found.
    next.store(n);
  }

  int32_t run_piece(int64_t begin, int64_t end) const noexcept {
    try {
      return body(arg, begin, end);
    } catch (...) {  // an exception of a plugin in C++
      return ASSAY_INTERNAL;
    }
  }

  void work() {
    for (;;) {
      const int64_t begin = next.fetch_add(piece);
      if (begin >= n) return;
      if (cancel_requested()) return record(begin, ASSAY_CANCELLED);
      const int32_t code = run_piece(begin, std::min(n, begin + piece));
      if (code < 0) record(begin, code);
    }
  }
};

// Threads that wait for the next loop. A loop has a number of seats, one for each thread that may help its caller. A
// thread that finds no free seat waits for the next loop. run() returns when all helpers have finished.
class pool {
 public:
  // Runs the loop on up to `threads` threads, one of which is the caller.
  void run(loop &what, int threads) {
    {
      const std::lock_guard<std::mutex> lock(guard_);
      while (static_cast<int>(n_threads_) < threads - 1) start_thread();
      current_ = &what;
      seats_ = threads - 1;
      working_ = 0;
      ++generation_;
    }
    wake_.notify_all();
    what.work();
    std::unique_lock<std::mutex> lock(guard_);
    seats_ = 0;  // a thread that has not begun yet must not begin
    done_.wait(lock, [&] { return working_ == 0; });
    current_ = nullptr;
  }

  std::mutex &turn() { return turn_; }

 private:
  void start_thread() {
    std::thread([this] { serve(); }).detach();
    ++n_threads_;
  }

  void serve() {
    t_inside_loop = true;  // so that a loop started by a body runs serially
    uint64_t seen = 0;
    std::unique_lock<std::mutex> lock(guard_);
    for (;;) {
      wake_.wait(lock, [&] { return generation_ != seen; });
      seen = generation_;
      if (seats_ == 0 || current_ == nullptr) continue;
      --seats_;
      ++working_;
      loop *mine = current_;
      lock.unlock();
      mine->work();
      lock.lock();
      if (--working_ == 0) done_.notify_all();
    }
  }

  std::mutex turn_;   // held while a loop runs: only one runs on the pool at a time
  std::mutex guard_;  // protects everything below
  std::condition_variable wake_, done_;
  loop *current_ = nullptr;
  int seats_ = 0, working_ = 0;  // threads that may still join the loop; threads that work on it
  uint64_t generation_ = 0;      // number of the loop, so that a thread notices a new one
  int n_threads_ = 0;
};

// The pool is never destroyed, because its threads wait in it until the process ends.
pool &threads() {
  static auto *only = new pool();
  return *only;
}

}  // namespace

void set_plugin_threads(int n_threads) {
  g_wanted_threads.store(std::max(0, n_threads));
}

int32_t run_in_pieces(int64_t n, int64_t grain, assay_range_fn body, void *arg) {
  if (n <= 0) return ASSAY_OK;
  const int count = thread_count();
  const int64_t even = (n + count * k_pieces_per_thread - 1) / (count * k_pieces_per_thread);
  loop what(n, std::max<int64_t>({1, grain, even}), body, arg);
  const bool alone = count == 1 || t_inside_loop || what.piece >= n;
  std::unique_lock<std::mutex> turn(threads().turn(), std::defer_lock);
  const bool outermost = !t_inside_loop;
  t_inside_loop = true;
  if (!alone && turn.try_lock())
    threads().run(what, count);
  else
    what.work();
  if (outermost) t_inside_loop = false;
  return what.status;
}

}  // namespace assay::plug
