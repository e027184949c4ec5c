// `assay report RUN` writes the HTML, Markdown and CSV of a finished study again from its report.json.
// Its work is in scripts/assay/cli/report.lua.
#include "cmd/lab.hpp"
#include "lua/script.hpp"

namespace assay::cmd {

int verb_report(const options &given) {
  const json options = {{"path", given.operands[0]}, {"formats", given.formats}};
  return lua::run_command(script_settings(given), "report", options, given.traceback);
}

}  // namespace assay::cmd
