// The main function of `assay`. It parses the command line and runs the verbs that need no model. For the
// other verbs it starts the program `assay-lab` in the same folder. It links neither LibTorch nor Lua, so
// that help, version and plugin listings come at once.
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

#include "cmd/grammar.hpp"
#include "cmd/supervise.hpp"
#include "core/error.hpp"
#include "core/file.hpp"
#include "core/standard_output.hpp"

namespace assay::cmd {
namespace {

struct light_verb {
  const char *name;
  int (*run)(const options &);
};

constexpr light_verb k_light[] = {
    {"version", verb_version}, {"plugins", verb_plugins}, {"describe", verb_describe},
    {"check", verb_check},     {"new", verb_new},
};

int start_lab(const options &given) {
  // libgomp (OpenMP's runtime) reads these variables when it is loaded; the 0 keeps a value that the
  // user has set. A thread without work looks for new work in a loop before it sleeps. By default
  // it loops for milliseconds, which slows down other programs. If it sleeps at once ("passive"
  // alone), decoding is three times slower, because a token takes some hundred short pieces of work.
  // 10,000 rounds of the loop take about a tenth of a millisecond.
  ::setenv("OMP_WAIT_POLICY", "passive", 0);
  ::setenv("GOMP_SPINCOUNT", "10000", 0);
  const std::string program = executable_folder() + "/assay-lab";
  if (given.timeout > 0) return run_with_timeout(program, given.arguments, given.timeout);
  replace_process(program, given.arguments);
}

int run(int argc, char **argv) {
  options given;
  if (const auto end = parse_command_line(argc, argv, given)) {
    std::fputs(end->output.c_str(), stdout);
    std::fputs(end->message.c_str(), stderr);
    return end->code;
  }
  for (const light_verb &verb : k_light)
    if (given.verb == verb.name) return run_guarded(verb.run, given);
  return run_guarded(start_lab, given);
}

}  // namespace
}  // namespace assay::cmd

int main(int argc, char **argv) {
  assay::open_standard_output();
  return assay::close_standard_output(assay::cmd::run(argc, argv));
}
