// The interactive prompt: one Lua state, one statement after another.
#pragma once

#include <string>
#include <vector>

#include "lua/settings.hpp"

namespace assay::lua {

// Runs `scripts` first, then reads statements until the end of input. Prompts, history and line
// editing only on a terminal, so heredocs and pipes work. Ctrl-C stops the statement, not the
// session. Returns 0, or 1 if input from a pipe had an error.
int run_prompt(settings given, const std::vector<std::string> &scripts);

}  // namespace assay::lua
