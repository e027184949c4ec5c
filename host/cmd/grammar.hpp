// Parses the command line: turns argv into options, makes help texts, and suggests what a mistyped
// word may mean. `assay` uses it to report mistakes at once, `assay-lab` to get its options.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cmd/verbs.hpp"

namespace assay::cmd {

// Tells the program to print these texts and to end (help, version, usage error).
struct early_end {
  int code;             // exit code
  std::string output;   // for stdout
  std::string message;  // for stderr
};

// Fills `into` and returns nullopt, or returns how to end; `into` is then not complete.
std::optional<early_end> parse_command_line(int argc, char **argv, options &into);

std::vector<std::string> verb_names();
std::string version_text();  // "assay 0.1.0"

// Runs `verb` and returns its exit code. An exception becomes a message on stderr and an exit code.
int run_guarded(int (*verb)(const options &), const options &given);

// Prints an error on stderr as users see it: "WHERE: MESSAGE", then one line each for plugin, layer,
// cause and hint, as far as the error has them.
void print_error(const std::exception &problem);

}  // namespace assay::cmd
