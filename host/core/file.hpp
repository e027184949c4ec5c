// Reads a file whole or in pieces, and writes a file so that it is complete or not there.
// The tensors of a model are read by checkpoint/mapped_file, which maps them into memory. What is written piece by piece
// goes through core/in_progress.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace assay {

// Throws error(failed) after a system call on `path` failed. `what` says what was tried, `number` is the call's errno. For a
// full disk it adds the hint to free some space.
[[noreturn]] void throw_file_error(const std::string &path, const std::string &what, int number);

// Returns the bytes of a file. Throws error(failed) with the path and the system's reason if the file cannot be read. Throws
// error(failed) also for a file of more than `limit_bytes`, so that a wrong path cannot fill the memory.
std::string read_file(const std::string &path, uint64_t limit_bytes = uint64_t{1} << 32);

// Gives the bytes of a file of any size piece by piece to `take`. Throws error(failed) if it cannot be read.
void read_pieces(const std::string &path, const std::function<void(std::string_view)> &take);

// Throws error(usage) if `path` is a pipe, a socket or a device, because those can be read only once. It accepts a file and a
// folder. It also accepts a path where nothing is, because the later read reports this.
void refuse_stream(const std::string &path);

// Writes a temporary file in the same folder, syncs it to the disk and renames it to `path`. Creates the folders above.
// Throws error(failed) if a step fails, for example on a full disk. Then an old file stays as it was, and the temporary
// file is removed.
void write_file_atomically(const std::string &path, std::string_view bytes);

std::string executable_folder();  // absolute path of the folder that contains the running program
// The folder scripts/ with the Lua library: that of the source tree or that of the installation. Throws error(failed) if
// there is none.
std::string scripts_folder();

}  // namespace assay
