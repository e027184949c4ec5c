// What the verbs call: run a script or a command of the Lua library in a state of its own.
// The only header of this folder that cmd/ needs (the prompt is repl.hpp).
#pragma once

#include <string>
#include <vector>

#include "core/json.hpp"
#include "lua/settings.hpp"

namespace assay::lua {

// Runs the file; what it returns goes to assay.finish(value, mode), which runs or plans a study.
// mode: "run" or "plan". Returns the process's exit code; throws error for everything that went
// wrong, after printing the traceback if asked.
int run_script(const settings &given, const std::string &path, const std::string &mode,
               const std::vector<std::string> &arguments, bool with_traceback);

// Calls require("assay.cli.NAME")(options): a verb written in Lua. Returns its exit code.
int run_command(const settings &given, const std::string &name, const json &options,
                bool with_traceback);

}  // namespace assay::lua
