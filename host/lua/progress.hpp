// The progress line that C++ work started from a script reports to; also the place where such
// work notices Ctrl-C.
#pragma once

#include "core/progress.hpp"

namespace assay::lua {

// Throws error(cancelled) from the reporting call once the user asked for an end.
progress_fn script_progress();

}  // namespace assay::lua
