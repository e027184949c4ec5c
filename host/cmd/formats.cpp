// `assay formats` prints which programs load which of the formats that assay writes.
// Its work is in scripts/assay/cli/formats.lua.
#include "cmd/lab.hpp"
#include "lua/script.hpp"

namespace assay::cmd {

int verb_formats(const options &given) {
  return lua::run_command(script_settings(given), "formats", json::object(), given.traceback);
}

}  // namespace assay::cmd
