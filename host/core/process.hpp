// A child program run to its end: arguments in, exit and captured output back, within a time limit.
// Not a shell and not a pipeline; nothing is inherited but the environment and stderr's meaning.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace assay {

struct process_limits {
  double seconds = 60.0;                       // then the child's whole process group is killed
  uint64_t output_bytes = uint64_t{16} << 20;  // of each stream; the rest is read and dropped
};

struct process_result {
  int exit_code = -1;      // -1 if it did not exit by itself
  int signal = 0;          // that ended it, 0 if none
  bool timed_out = false;  // signal is then our own SIGKILL
  std::string out, err;    // captured bytes
  double seconds = 0;      // wall clock
  bool succeeded() const { return exit_code == 0; }
};

// Runs argv[0] (a path, or a name looked up in PATH) with stdin from /dev/null. `extra_environment`
// holds "NAME=value". Throws error(failed) if it cannot be started, error(cancelled) on Ctrl-C.
process_result run_process(const std::vector<std::string> &argv, const process_limits &limits = {},
                           const std::vector<std::string> &extra_environment = {});

// "exit code 3", "signal 11 (SIGSEGV)", "no answer within 5 s": how it ended, for messages.
std::string describe_end(const process_result &result);

}  // namespace assay
