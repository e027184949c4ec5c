// Converts options to Lua settings, for all verbs of `assay-lab` that run Lua.
#pragma once

#include "cmd/verbs.hpp"
#include "lua/settings.hpp"

namespace assay::cmd {

// The settings also get the command line as it was typed, which reports record.
lua::settings script_settings(const options &given);

}  // namespace assay::cmd
