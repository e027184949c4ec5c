// `assay run STUDY.lua` runs a Lua script. If the script returns a study, the study runs too, and its
// report is written.
#include "cmd/lab.hpp"
#include "lua/script.hpp"

namespace assay::cmd {

int verb_run(const options &given) {
  const std::vector<std::string> rest(given.operands.begin() + 1, given.operands.end());
  return lua::run_script(script_settings(given), given.operands[0], "run", rest, given.traceback);
}

}  // namespace assay::cmd
