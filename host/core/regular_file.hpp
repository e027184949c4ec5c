// What a file of a model must be before it is read: there, a plain file, and not a Git LFS pointer in its place.
// Not for data that may come through a pipe (core/file reads those).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/json.hpp"

namespace assay {

// Whether there is anything at `path`. Throws error(failed) for a link to nothing: a download that was not completed.
bool is_there(const std::string &path);

// Throws error(failed) unless `path` is a plain file or a link to one. A named pipe would wait for a writer for ever, and a
// device need not end.
void require_regular_file(const std::string &path);

// Throws error(failed) if `bytes`, the beginning of the file at `path`, are a Git LFS pointer
// (github.com/git-lfs/git-lfs, docs/spec.md).
void refuse_lfs_pointer(std::string_view bytes, const std::string &path);

// The whole file after both checks; throws as read_file (core/file) does.
std::string read_regular_file(const std::string &path, uint64_t limit_bytes = uint64_t{1} << 32);
json read_regular_json(const std::string &path);

}  // namespace assay
