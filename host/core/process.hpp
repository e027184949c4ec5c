// Runs a child program to its end within a time limit, and returns how it ended and what it wrote.
// No shell is involved. The child inherits the environment and the working folder; its three standard streams are replaced.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace assay {

struct process_limits {
  // After this time the child and the processes it started are killed
  double seconds = 60.0;
  // How many bytes of each stream are kept, from its beginning; all later bytes are read and dropped
  uint64_t output_bytes = uint64_t{16} << 20;
};

struct process_result {
  int exit_code = -1;      // -1 if a signal ended the child
  int signal = 0;          // the signal that ended the child; 0 if it exited by itself
  bool timed_out = false;  // if true, `signal` is the SIGKILL that run_process sent
  std::string out, err;    // captured bytes of stdout and stderr
  double seconds = 0;      // wall-clock time
  bool succeeded() const { return exit_code == 0; }
};

// Runs argv[0], a path or a name that is looked up in PATH, with stdin from /dev/null. Each entry of
// `extra_environment` is "NAME=value". Throws error(failed) if the program cannot be started. After Ctrl-C this kills
// the child and throws error(cancelled).
process_result run_process(const std::vector<std::string> &argv, const process_limits &limits = {},
                           const std::vector<std::string> &extra_environment = {});

// How the child ended, for messages: "exit code 3", "signal 11 (SIGSEGV)" or "no answer within 5 s".
std::string describe_end(const process_result &result);

}  // namespace assay
