// What the heavy verbs share: options as scripts see them.
#pragma once

#include "cmd/verbs.hpp"
#include "lua/settings.hpp"

namespace assay::cmd {

lua::settings script_settings(const options &given);

}  // namespace assay::cmd
