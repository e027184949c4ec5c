// Declares the interactive prompt, which runs one Lua statement after another in one Lua state.
#pragma once

#include <string>
#include <vector>

#include "lua/settings.hpp"

namespace assay::lua {

// Runs `scripts` first, then reads statements until the end of input. There are prompts, history and
// line editing only if the input is a terminal, so that pipes work. Ctrl-C stops the statement and
// not the prompt. Returns the exit code: 1 if a statement from a pipe failed, otherwise 0. An error
// in `scripts` is thrown.
int run_prompt(settings given, const std::vector<std::string> &scripts);

}  // namespace assay::lua
