// Declares the function by which long C++ work reports its progress while a script waits for it. Such
// work notices Ctrl-C when it calls this function.
#pragma once

#include "core/progress.hpp"

namespace assay::lua {

// The returned function throws error(cancelled) after the user has asked for an end.
progress_fn script_progress();

}  // namespace assay::lua
