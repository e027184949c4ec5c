// The main function of `assay-lab`, the program that runs the verbs that need tensors or scripts.
// `assay` checks the command line and then starts this program. A user can also start it directly,
// since it checks the command line again.
#include <cstdio>

#include "cmd/grammar.hpp"
#include "core/cancel.hpp"
#include "core/resources.hpp"
#include "core/standard_output.hpp"
#include "quant/views/plugin_services.hpp"

namespace assay::cmd {
namespace {

struct heavy_verb {
  const char *name;
  int (*run)(const options &);
};

constexpr heavy_verb k_heavy[] = {
    {"run", verb_run},           {"plan", verb_plan},       {"repl", verb_repl},
    {"quantize", verb_quantize}, {"eval", verb_eval},       {"import", verb_import},
    {"report", verb_report},     {"audit", verb_audit},     {"doctor", verb_doctor},
    {"api", verb_api},           {"model", verb_model},     {"bench", verb_bench},
    {"chat", verb_chat},         {"formats", verb_formats}, {"export", verb_export},
};

int run_verb(const options &given) {
  if (given.threads == 0) require_environment_threads();
  for (const heavy_verb &verb : k_heavy)
    if (given.verb == verb.name) return verb.run(given);
  std::fprintf(stderr, "assay-lab: '%s' is not one of its verbs; start assay\n",
               given.verb.c_str());
  return 2;
}

int run(int argc, char **argv) {
  options given;
  if (const auto end = parse_command_line(argc, argv, given)) {
    std::fputs(end->output.c_str(), stdout);
    std::fputs(end->message.c_str(), stderr);
    return end->code;
  }
  install_cancel_handlers();
  quant::install_plugin_services();
  return run_guarded(run_verb, given);
}

}  // namespace
}  // namespace assay::cmd

int main(int argc, char **argv) {
  assay::open_standard_output();
  return assay::close_standard_output(assay::cmd::run(argc, argv));
}
