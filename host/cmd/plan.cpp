// `assay plan STUDY.lua` prints what a study would run and what it would cost. The script itself runs,
// because it makes the study. No stage of the study runs.
#include "cmd/lab.hpp"
#include "lua/script.hpp"

namespace assay::cmd {

int verb_plan(const options &given) {
  const std::vector<std::string> rest(given.operands.begin() + 1, given.operands.end());
  return lua::run_script(script_settings(given), given.operands[0], "plan", rest, given.traceback);
}

}  // namespace assay::cmd
