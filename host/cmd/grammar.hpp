// The grammar of the command line: argv to options, help texts, "did you mean".
// Both programs use it: `assay` to fail fast, `assay-lab` to do the work.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cmd/verbs.hpp"

namespace assay::cmd {

// A finished conversation: nothing is left to do but to print and to leave.
struct early_end {
  int code;             // exit code
  std::string output;   // for stdout
  std::string message;  // for stderr
};

// Either fills `into` or says how to end (help, usage error).
std::optional<early_end> parse_command_line(int argc, char **argv, options &into);

std::vector<std::string> verb_names();
std::string version_text();  // "assay 0.1.0"

// Runs `verb`, turns exceptions into a message on stderr and an exit code.
int run_guarded(int (*verb)(const options &), const options &given);

// The whole of an error as the user sees it: one line what, then where, cause and hint as needed.
void print_error(const std::exception &problem);

}  // namespace assay::cmd
