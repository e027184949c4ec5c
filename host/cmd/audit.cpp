// `assay audit REPORT` lists what cannot be believed in somebody else's report.
// Its work is in scripts/assay/cli/audit.lua.
#include "cmd/lab.hpp"
#include "lua/script.hpp"

namespace assay::cmd {

int verb_audit(const options &given) {
  return lua::run_command(script_settings(given), "audit", {{"path", given.operands[0]}},
                          given.traceback);
}

}  // namespace assay::cmd
