// Gives the name of a model folder for reports, model cards and the names of folders that are made from it.
#pragma once

#include <string>

namespace assay::model {

// Returns the last part of the path of a folder or a GGUF file. "." and ".." give the real name of the folder. A snapshot in the Hugging
// Face hub's cache (models--OWNER--NAME/snapshots/REVISION) gives NAME. A path without a name, such as "/", gives "model".
std::string folder_name(const std::string &path);

}  // namespace assay::model
