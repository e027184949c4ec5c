// The cancel flag and the handlers of the signals that set it.
#include "core/cancel.hpp"

#include <signal.h>
#include <unistd.h>

#include <atomic>

#include "core/error.hpp"

namespace assay {
namespace {

std::atomic<bool> g_cancelled{false};
static_assert(std::atomic<bool>::is_always_lock_free, "the handler may only touch lock-free state");

void on_signal(int) {
  if (g_cancelled.exchange(true)) ::_exit(exit_code(error_kind::cancelled));
}

}  // namespace

bool cancel_requested() noexcept {
  return g_cancelled.load(std::memory_order_relaxed);
}
void request_cancel() noexcept {
  g_cancelled.store(true);
}
void clear_cancel() noexcept {
  g_cancelled.store(false);
}

void install_cancel_handlers() {
  // If SIGXFSZ is ignored, a write past the size limit of files is an error of write(), like a full disk.
  ::signal(SIGXFSZ, SIG_IGN);
  ::signal(SIGPIPE, SIG_IGN);  // likewise for a pipe whose reader went away
  struct sigaction action {};
  action.sa_handler = on_signal;
  sigemptyset(&action.sa_mask);
  // The flag SA_RESTART would repeat an interrupted read(). It is not set, because a signal must also end a read that
  // waits at the prompt.
  action.sa_flags = 0;
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) {
    struct sigaction old {};
    ::sigaction(number, nullptr, &old);
    if (old.sa_handler == SIG_IGN) continue;  // the program was started under nohup, for example
    ::sigaction(number, &action, nullptr);
  }
}

void throw_if_cancelled() {
  if (cancel_requested())
    throw error(error_kind::cancelled, "stopped by the user")
        .hint("Everything finished is on disk; the same command goes on from there");
}

}  // namespace assay
