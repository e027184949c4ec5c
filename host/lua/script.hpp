// Declares functions for the verbs of the program. They run a script, or a command of the Lua library,
// in a new Lua state. repl.hpp has the interactive prompt.
#pragma once

#include <string>
#include <vector>

#include "core/json.hpp"
#include "lua/settings.hpp"

namespace assay::lua {

// Runs the file, then assay.finish(value, mode, path) with the value that the file returned: if it is a
// study, finish runs or plans it. mode: "run" or "plan". `arguments` are those of the script. Returns
// the exit code of the process. Throws error if anything failed; with_traceback prints the Lua
// traceback to stderr first.
int run_script(const settings &given, const std::string &path, const std::string &mode,
               const std::vector<std::string> &arguments, bool with_traceback);

// Runs a verb that is written in Lua: require("assay.cli.NAME")(options). Returns its exit code and
// throws as run_script does.
int run_command(const settings &given, const std::string &name, const json &options,
                bool with_traceback);

}  // namespace assay::lua
