// Claims on paths: of several processes that would write one result, one works and the others are told at once.
// Not a queue: nobody waits here.
#pragma once

#include <string>

namespace assay {

// A claim is a locked file that holds the number and the machine of its process. The system frees the lock of a killed
// process; the file itself is removed with the claim, or by the next one. Claims of one process on one path share the lock.
// On a file system without locks every claim succeeds.
class path_claim {
 public:
  // PATH is made as a whole, later: the lock is PATH.lock beside it. Makes the folders above. Both
  // throw error(failed) naming the holder, the system's reason if nothing can be written there, or
  // a link that leads to nothing.
  static path_claim beside(const std::string &path);
  // FOLDER is filled bit by bit: the lock is FOLDER/.lock. Makes the folder.
  static path_claim inside(const std::string &folder);

  ~path_claim();
  path_claim(path_claim &&other) noexcept;
  path_claim &operator=(path_claim &&) = delete;
  path_claim(const path_claim &) = delete;
  path_claim &operator=(const path_claim &) = delete;

 private:
  path_claim(const std::string &path, const std::string &lock);
  std::string lock_;  // canonical path of the lock file; empty once moved from
};

// Throws error(failed) if `path` is a link that leads to nothing.
void refuse_dangling_link(const std::string &path);

}  // namespace assay
