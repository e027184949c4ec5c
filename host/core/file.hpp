// Files: whole reads, reads in pieces, atomic writes.
// Not for the tensors of a checkpoint, which are mapped (model/mapped_file), and not what is
// written piece by piece (core/in_progress).
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace assay {

// Throws error(failed) for a failed system call on `path` (number = its errno); a full disk gets its
// hint, the same everywhere.
[[noreturn]] void throw_file_error(const std::string &path, const std::string &what, int number);

// Throws error(failed) naming the path and the system's reason. limit in bytes
// guards against surprises.
std::string read_file(const std::string &path, uint64_t limit_bytes = uint64_t{1} << 32);

// Gives the bytes of a file piece by piece to `take`. Throws as read_file does.
void read_pieces(const std::string &path, const std::function<void(std::string_view)> &take);

// Throws error(usage) if `path` is a pipe, a socket or a device: something that is read more than once must be a file
// (or a folder, or not there at all, which its reader reports).
void refuse_stream(const std::string &path);

// Writes to a temporary file in the same folder, fsyncs, renames. On failure (a full disk included)
// the old file is untouched and the temporary one gone. Creates parent folders.
void write_file_atomically(const std::string &path, std::string_view bytes);

std::string executable_folder();  // absolute folder of the running program
// scripts/ of the source tree or of the installation beside the program; throws error(failed) if
// neither is there.
std::string scripts_folder();

}  // namespace assay
