// Claims on paths: if several processes want to write one result, the first one works and the others get an error at once.
// There is no queue: nobody waits for the claim of another process.
#pragma once

#include <string>

namespace assay {

// Returns the path without slashes at its end; "/" stays.
std::string without_trailing_slashes(std::string path);

// A claim is a locked file that contains the number and the machine of its process. The system frees the lock when a process is
// killed. The file is removed when its claim ends; after a kill it stays until the next claim on the path ends. Claims of one
// process on one path share the lock. On a file system without locks every claim succeeds.
class path_claim {
 public:
  // For a path that is made later as a whole: the lock is the file PATH.lock beside it. Makes the folders above. Both functions
  // throw error(failed) if another process has the claim (the message names that process if it is known), if nothing can be
  // written there, or if the path is a link that leads to nothing.
  static path_claim beside(const std::string &path);
  // For a folder that is filled bit by bit: the lock is the file FOLDER/.lock. Makes the folder.
  static path_claim inside(const std::string &folder);

  ~path_claim();
  path_claim(path_claim &&other) noexcept;
  path_claim &operator=(path_claim &&) = delete;
  path_claim(const path_claim &) = delete;
  path_claim &operator=(const path_claim &) = delete;

 private:
  path_claim(const std::string &path, const std::string &lock);
  // Canonical path of the lock file; empty after the claim was moved to another object
  std::string lock_;
};

// Throws error(failed) if `path` is a link that leads to nothing.
void refuse_dangling_link(const std::string &path);

}  // namespace assay
