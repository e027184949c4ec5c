// `assay repl` starts the interactive Lua prompt (lua/repl.hpp).
#include "lua/repl.hpp"
#include "cmd/lab.hpp"

namespace assay::cmd {

int verb_repl(const options &given) {
  return lua::run_prompt(script_settings(given), given.operands);
}

}  // namespace assay::cmd
