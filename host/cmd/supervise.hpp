// Runs the heavy program: in place of this one, or as a watched child when there is a time limit.
// Not a job scheduler.
#pragma once

#include <string>
#include <vector>

namespace assay::cmd {

// execv of `program`; returns only by throwing error(failed).
[[noreturn]] void replace_process(const std::string &program,
                                  const std::vector<std::string> &arguments);

// Child process with a limit in seconds: at the limit it is asked to stop (SIGINT), after a grace
// of two seconds it is killed. Exit code 5 if the limit was hit, else the child's own; signals that
// end this process are handed on.
int run_with_timeout(const std::string &program, const std::vector<std::string> &arguments,
                     double seconds);

}  // namespace assay::cmd
