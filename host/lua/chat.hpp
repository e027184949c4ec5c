// Declares the loop of `assay chat`, which gives one line after another to scripts/assay/cli/chat.lua.
#pragma once

#include "core/json.hpp"
#include "lua/settings.hpp"

namespace assay::lua {

// Reads lines until the end of input or until the script ends the conversation. Prompts and line editing
// only at a terminal. Ctrl-C stops an answer and not the program. Returns the exit code: 1 if a line from a
// pipe failed, otherwise 0. An error before the first line is thrown.
int run_chat(const settings &given, const json &options, bool with_traceback);

}  // namespace assay::lua
