// What a model folder is called: in reports, in cards, and in the names of folders that are made from it.
#pragma once

#include <string>

namespace assay::model {

// The last part of the path of a folder or a GGUF file. "." and ".." give the real name of the folder, and a snapshot in the
// hub's cache (models--OWNER--NAME/snapshots/REVISION) gives NAME. "model" where a path has no name (the root).
std::string folder_name(const std::string &path);

}  // namespace assay::model
