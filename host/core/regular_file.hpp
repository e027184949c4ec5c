// Reads a file of a model after two checks: it is a plain file, and it is not a Git LFS pointer (a small text that stands for a
// file that was not downloaded). Use core/file for data that may come through a pipe.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/json.hpp"

namespace assay {

// Whether anything lies at `path`. Throws error(failed) for a link to nothing, because it usually comes from an incomplete download.
bool is_there(const std::string &path);

// Throws error(failed) unless `path` is a plain file or a link to one. Other things are refused because a read could last for
// ever: a named pipe waits for a writer, and a device may never end.
void require_regular_file(const std::string &path);

// Throws error(failed) if `bytes` begin as a Git LFS pointer does (github.com/git-lfs/git-lfs, docs/spec.md). `bytes` is the
// beginning of the file, and `path` its name for the message.
void refuse_lfs_pointer(std::string_view bytes, const std::string &path);

// Returns the whole file after both checks. Throws like them, and like read_file of core/file.
std::string read_regular_file(const std::string &path, uint64_t limit_bytes = uint64_t{1} << 32);
json read_regular_json(const std::string &path);

}  // namespace assay
