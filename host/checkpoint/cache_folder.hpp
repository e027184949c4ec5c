// Finds a model in the download cache of the Hugging Face hub. A cached model is a folder
// models--ORG--NAME/{refs, snapshots/REVISION, blobs}; a snapshot is the model's folder at one
// revision (huggingface_hub, docs "Understand caching"). Nothing is downloaded, and models are not
// searched by name.
#pragma once

#include <string>

namespace assay::model {

// Returns the snapshot's path if `path` is a cached model's folder or its "snapshots" folder, else
// `path` itself. The snapshot is the one that refs/main names, or the only one if there is no refs/main.
// Throws error(failed) if the snapshot is missing, if there are several and no refs/main, or if
// `path` is a cache of several models. The message names the snapshots or the models.
std::string snapshot_of(const std::string &path);

}  // namespace assay::model
