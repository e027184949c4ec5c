// Runs a child program with posix_spawn and captures its two output streams. It waits for both pipes at once with poll. If it read
// one pipe to its end first, the other pipe could fill up, and the child would block.
#include "core/process.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <thread>

#include "core/cancel.hpp"
#include "core/error.hpp"

extern char **environ;

namespace assay {
namespace {

using clock_type = std::chrono::steady_clock;

struct pipe_pair {
  int read_end = -1, write_end = -1;
  pipe_pair() {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0)
      throw error(error_kind::failed, "cannot make a pipe").cause(strerror(errno));
    read_end = ends[0];
    write_end = ends[1];
  }
  ~pipe_pair() {
    close_read();
    close_write();
  }
  pipe_pair(const pipe_pair &) = delete;
  pipe_pair &operator=(const pipe_pair &) = delete;
  void close_read() { close_end(read_end); }
  void close_write() { close_end(write_end); }
  static void close_end(int &end) {
    if (end >= 0) close(end);
    end = -1;
  }
};

std::vector<char *> pointers(const std::vector<std::string> &texts) {
  std::vector<char *> out;
  out.reserve(texts.size() + 1);
  for (const std::string &text : texts) out.push_back(const_cast<char *>(text.c_str()));
  out.push_back(nullptr);
  return out;
}

// Returns the parent's environment, where each entry of `extra` replaces the one of the same name.
std::vector<std::string> child_environment(const std::vector<std::string> &extra) {
  std::vector<std::string> out = extra;
  for (char **entry = environ; *entry != nullptr; ++entry) {
    const std::string text = *entry;
    const std::string name = text.substr(0, text.find('=') + 1);
    const bool replaced = std::any_of(extra.begin(), extra.end(),
                                      [&](const std::string &e) { return e.starts_with(name); });
    if (!replaced) out.push_back(text);
  }
  return out;
}

// Starts the child. The child gets a process group of its own, so that the processes that it starts can
// be killed with it.
pid_t spawn(const std::vector<std::string> &argv, const std::vector<std::string> &environment,
            int out_fd, int err_fd) {
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, out_fd, 1);
  posix_spawn_file_actions_adddup2(&actions, err_fd, 2);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t defaults;
  sigemptyset(&defaults);
  for (int number : {SIGINT, SIGTERM, SIGPIPE}) sigaddset(&defaults, number);
  posix_spawnattr_setsigdefault(&attributes, &defaults);
  posix_spawnattr_setpgroup(&attributes, 0);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF);
  pid_t pid = -1;
  const int failure = posix_spawnp(&pid, argv[0].c_str(), &actions, &attributes,
                                   pointers(argv).data(), pointers(environment).data());
  posix_spawn_file_actions_destroy(&actions);
  posix_spawnattr_destroy(&attributes);
  if (failure != 0)
    throw error(error_kind::failed, "cannot start the program")
        .at(argv[0])
        .cause(strerror(failure));
  return pid;
}

// Reads once from the pipe `end` and appends the bytes to `into`, which never grows above limit_bytes. At the end of the
// stream or on an error it closes `end`. Returns false if `end` is closed.
bool drain(int &end, std::string &into, uint64_t limit_bytes) {
  if (end < 0) return false;
  char buffer[65536];
  const ssize_t n = read(end, buffer, sizeof buffer);
  if (n < 0 && (errno == EINTR || errno == EAGAIN)) return true;
  if (n <= 0) {
    pipe_pair::close_end(end);
    return false;
  }
  const uint64_t room = limit_bytes > into.size() ? limit_bytes - into.size() : 0;
  into.append(buffer, static_cast<size_t>(std::min<uint64_t>(room, static_cast<uint64_t>(n))));
  return true;
}

// Waits up to `milliseconds` for output of the child. Returns true if a stream had output or was at its end.
bool read_some(pipe_pair &out, pipe_pair &err, process_result &result, uint64_t limit_bytes,
               int milliseconds) {
  pollfd ends[2] = {{out.read_end, POLLIN, 0}, {err.read_end, POLLIN, 0}};  // fd -1 is ignored
  if (poll(ends, 2, milliseconds) <= 0) return false;
  if (ends[0].revents != 0) drain(out.read_end, result.out, limit_bytes);
  if (ends[1].revents != 0) drain(err.read_end, result.err, limit_bytes);
  return true;
}

void record_end(int status, process_result &result) {
  if (WIFEXITED(status)) result.exit_code = WEXITSTATUS(status);
  if (WIFSIGNALED(status)) result.signal = WTERMSIG(status);
}

}  // namespace

// Reads the output while the child runs, and kills the child at the time limit or after Ctrl-C. When the child has
// ended, this reads what is left in the pipes.
process_result run_process(const std::vector<std::string> &argv, const process_limits &limits,
                           const std::vector<std::string> &extra_environment) {
  pipe_pair out, err;
  process_result result;
  const auto start = clock_type::now();
  const auto elapsed = [&] {
    return std::chrono::duration<double>(clock_type::now() - start).count();
  };
  const pid_t pid = spawn(argv, child_environment(extra_environment), out.write_end, err.write_end);
  out.close_write();
  err.close_write();

  int status = 0;
  bool cancelled = false;
  while (waitpid(pid, &status, WNOHANG) == 0) {
    cancelled = cancel_requested();
    result.timed_out = !cancelled && elapsed() > limits.seconds;
    if (cancelled || result.timed_out) {
      kill(-pid, SIGKILL);
      waitpid(pid, &status, 0);
      if (WIFEXITED(status)) result.timed_out = false;  // it ended by itself just before
      break;
    }
    const bool open = out.read_end >= 0 || err.read_end >= 0;
    if (open)
      read_some(out, err, result, limits.output_bytes, 20);
    else
      std::this_thread::sleep_for(std::chrono::milliseconds(1));  // no output to wait for
  }
  // Reads the output that is still in the pipes. It does not wait for processes that the child
  // started, even if they keep the pipes open.
  while (read_some(out, err, result, limits.output_bytes, 0) &&
         (out.read_end >= 0 || err.read_end >= 0)) {
  }
  record_end(status, result);
  result.seconds = elapsed();
  if (cancelled) throw_if_cancelled();
  return result;
}

std::string describe_end(const process_result &result) {
  if (result.timed_out)
    return "no answer within " + std::to_string(std::lround(std::max(1.0, result.seconds))) + " s";
  if (result.signal == 0) return "exit code " + std::to_string(result.exit_code);
  const char *name = sigabbrev_np(result.signal);
  const std::string abbreviation = name != nullptr ? " (SIG" + std::string(name) + ")" : "";
  return "signal " + std::to_string(result.signal) + abbreviation;
}

}  // namespace assay
