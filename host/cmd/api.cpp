// `assay api` lists every function that scripts may use. Its work is in scripts/assay/cli/api.lua.
#include "cmd/lab.hpp"
#include "lua/script.hpp"

namespace assay::cmd {

int verb_api(const options &given) {
  return lua::run_command(script_settings(given), "api", json::object(), given.traceback);
}

}  // namespace assay::cmd
