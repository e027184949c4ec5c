// Runs the program assay-lab, which does the heavy work. assay-lab replaces this process, or runs as its
// child if there is a time limit.
#pragma once

#include <string>
#include <vector>

namespace assay::cmd {

// Replaces this process by `program` with execv. If that fails, it throws error(failed).
[[noreturn]] void replace_process(const std::string &program,
                                  const std::vector<std::string> &arguments);

// Runs `program` as a child process with a limit in seconds. At the limit the child gets SIGINT,
// and two seconds later SIGKILL if it still runs. Returns the exit code: 5 if the limit was
// reached, otherwise the child's own, or 128 + N if signal N ended the child. This process sends
// SIGTERM and SIGHUP on to the child. It ignores SIGINT, because the terminal sends Ctrl-C to the
// child too. Throws error(failed) if no process can be started.
int run_with_timeout(const std::string &program, const std::vector<std::string> &arguments,
                     double seconds);

}  // namespace assay::cmd
