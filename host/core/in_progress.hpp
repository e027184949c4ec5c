// Files and folders under construction: they have a temporary name until they are complete. Those that never become complete
// are removed, at the latest by the next process that writes the same name.
#pragma once

#include <cstddef>
#include <string>

#include "core/claim.hpp"

namespace assay {

// A file under construction: it lies beside `path` under a temporary name, and this process holds a lock on it. The destructor
// removes it unless commit() has renamed it. The constructor removes temporary files that killed processes left for this path.
class file_in_progress {
 public:
  // Makes the missing folders of `path`. Throws error(failed) with the system's reason, as write() and commit() do.
  explicit file_in_progress(std::string path);
  ~file_in_progress();
  file_in_progress(const file_in_progress &) = delete;
  file_in_progress &operator=(const file_in_progress &) = delete;
  void write(const void *bytes, size_t n_bytes);
  // Syncs the file to the disk and renames it to `path`; an old file there is replaced
  void commit();

 private:
  void create();
  std::string path_, temporary_;
  int fd_ = -1;
};

// A folder under construction: it lies beside `final_path` under a temporary name, and this process claims `final_path`
// (path_claim). The destructor removes the temporary folder unless commit() has renamed it. If `final_path` exists
// already, the constructor throws error(failed) before any work is done; with `replace` it does not throw, and commit()
// replaces the old folder. The constructor removes temporary folders that killed processes left for this path.
class folder_in_progress {
 public:
  explicit folder_in_progress(std::string final_path, bool replace = false);
  ~folder_in_progress();
  folder_in_progress(const folder_in_progress &) = delete;
  folder_in_progress &operator=(const folder_in_progress &) = delete;
  const std::string &path() const { return temporary_; }  // the folder to write into
  // Renames the folder to `final_path`. Throws error(failed) with the system's reason.
  void commit();

 private:
  std::string final_, temporary_;
  path_claim claim_;
  bool replace_;
  bool committed_ = false;
  int lock_ = -1;  // descriptor of the temporary folder, which holds the lock on it
};

}  // namespace assay
