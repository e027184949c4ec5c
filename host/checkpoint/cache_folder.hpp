// The hub's cache of downloads: models--ORG--NAME/{refs, snapshots/REVISION, blobs}
// (huggingface_hub, docs "Understand caching"). Finds the snapshot that a folder of it stands for.
// Not a downloader, and not a search of the cache by a model's name.
#pragma once

#include <string>

namespace assay::model {

// The snapshot if `path` is a model's folder in such a cache or its snapshots folder, else `path`.
// Throws error(failed) naming the choices where there is more than one, or what is missing.
std::string snapshot_of(const std::string &path);

}  // namespace assay::model
