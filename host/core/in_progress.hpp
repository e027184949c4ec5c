// Files and folders under construction: they become real by a rename, or vanish.
#pragma once

#include <cstddef>
#include <string>

#include "core/claim.hpp"

namespace assay {

// A file under construction beside `path`, under a temporary name that is locked by its maker. Removed by the destructor
// unless commit() renamed it. What killed processes left under construction for the same path is removed first.
class file_in_progress {
 public:
  // Makes the folders above. Throws error(failed) with the system's reason, as the other two do.
  explicit file_in_progress(std::string path);
  ~file_in_progress();
  file_in_progress(const file_in_progress &) = delete;
  file_in_progress &operator=(const file_in_progress &) = delete;
  void write(const void *bytes, size_t n_bytes);
  void commit();  // syncs to the disk, then renames; an old file is replaced

 private:
  void create();
  std::string path_, temporary_;
  int fd_ = -1;
};

// A folder under construction beside `final_path`, which is claimed meanwhile (path_claim); removed by the destructor
// unless commit() renamed it. commit() replaces an existing folder only if `replace` was given, else the constructor throws
// before any work is done. What a killed process left under construction for the same path is removed.
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
  path_claim claim_;
  bool replace_;
  bool committed_ = false;
  int lock_ = -1;  // descriptor of the folder while it is under construction
};

}  // namespace assay
