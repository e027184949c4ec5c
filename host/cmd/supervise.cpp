// Starts `assay-lab` in place of this process, or as a child with a time limit (--timeout).
#include "cmd/supervise.hpp"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <thread>

#include "core/error.hpp"
#include "core/progress.hpp"

namespace assay::cmd {
namespace {

using clock = std::chrono::steady_clock;
constexpr auto k_poll = std::chrono::milliseconds(20);
constexpr double k_grace_seconds = 2;

volatile sig_atomic_t g_child = 0;

// Signal handler: sends the signal on to the child.
void hand_on(int number) {
  if (g_child > 0) ::kill(g_child, number);
}

// Returns the exit code for a status of waitpid, as shells do: 128 + N if signal N ended the child.
int code_of(int status) {
  if (WIFEXITED(status)) return WEXITSTATUS(status);
  return 128 + WTERMSIG(status);
}

// Waits for the child until `end`. Returns true and fills `status` if it has ended, else false.
bool wait_until(pid_t child, clock::time_point end, int &status) {
  for (;;) {
    const pid_t got = ::waitpid(child, &status, WNOHANG);
    if (got == child) return true;
    if (got < 0 && errno != EINTR) {
      status = 1 << 8;  // as if the child had ended with exit code 1: how it ended cannot be known
      return true;
    }
    if (clock::now() >= end) return false;
    std::this_thread::sleep_for(k_poll);
  }
}

clock::time_point after(double seconds) {
  return clock::now() +
         std::chrono::duration_cast<clock::duration>(std::chrono::duration<double>(seconds));
}

}  // namespace

void replace_process(const std::string &program, const std::vector<std::string> &arguments) {
  std::vector<char *> words{const_cast<char *>(program.c_str())};
  for (const std::string &word : arguments) words.push_back(const_cast<char *>(word.c_str()));
  words.push_back(nullptr);
  ::execv(program.c_str(), words.data());
  throw error(error_kind::failed, "cannot start the program")
      .at(program)
      .cause(std::strerror(errno))
      .hint("Build it: ninja -C build assay-lab");
}

int run_with_timeout(const std::string &program, const std::vector<std::string> &arguments,
                     double seconds) {
  const pid_t child = ::fork();
  if (child < 0)
    throw error(error_kind::failed, "cannot start a process").cause(std::strerror(errno));
  if (child == 0) {
    try {
      replace_process(program, arguments);
    } catch (const error &e) {
      std::fprintf(stderr, "%s\n", e.what());
      ::_exit(exit_code(error_kind::failed));
    }
  }
  g_child = child;
  // The terminal sends Ctrl-C to both processes. Only the child reacts to it; the parent waits for
  // the child's end.
  ::signal(SIGINT, SIG_IGN);
  ::signal(SIGTERM, hand_on);
  ::signal(SIGHUP, hand_on);
  int status = 0;
  if (wait_until(child, after(seconds), status)) return code_of(status);
  std::fprintf(stderr, "assay: time limit of %s reached; stopping\n",
               duration_text(seconds).c_str());
  ::kill(child, SIGINT);
  if (!wait_until(child, after(k_grace_seconds), status)) {
    ::kill(child, SIGKILL);
    ::waitpid(child, &status, 0);
  }
  return exit_code(error_kind::timeout);
}

}  // namespace assay::cmd
