// Files: whole reads, atomic writes, temporary folders that become real by a rename.
// Not for the tensors of a checkpoint, which are mapped (model/mapped_file).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace assay {

// Throws error(failed) for a failed system call on `path` (number = its errno); a full disk gets its
// hint, the same everywhere.
[[noreturn]] void throw_file_error(const std::string &path, const std::string &what, int number);

// Throws error(failed) naming the path and the system's reason. limit in bytes guards against
// surprises.
std::string read_file(const std::string &path, uint64_t limit_bytes = uint64_t{1} << 32);

// Writes to a temporary file in the same folder, fsyncs, renames. On failure (a full disk included)
// the old file is untouched and the temporary one gone. Creates parent folders.
void write_file_atomically(const std::string &path, std::string_view bytes);

// A folder under construction beside `final_path`; removed by the destructor unless commit()
// renamed it. commit() replaces an existing folder only if `replace` was given, else throws before
// any work is done. What a killed process left under construction for the same path is removed.
class folder_in_progress {
 public:
  explicit folder_in_progress(std::string final_path, bool replace = false);
  ~folder_in_progress();
  folder_in_progress(const folder_in_progress &) = delete;
  folder_in_progress &operator=(const folder_in_progress &) = delete;
  const std::string &path() const { return temporary_; }
  void commit();

 private:
  std::string final_, temporary_;
  bool replace_;
  bool committed_ = false;
  int lock_ = -1;  // descriptor of the folder while it is under construction
};

std::string executable_folder();  // absolute folder of the running program
// scripts/ of the source tree or of the installation beside the program; throws error(failed) if
// neither is there.
std::string scripts_folder();

}  // namespace assay
