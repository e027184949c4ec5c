// Makes files and folders under temporary names beside their final names. The process that makes one holds a lock on it, and the
// system frees the lock when the process is killed. So the next run knows which of them nobody will finish.
#include "core/in_progress.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <vector>

#include "core/error.hpp"
#include "core/file.hpp"

namespace assay {
namespace fs = std::filesystem;
namespace {

// Marks what is under construction; the process number follows, as in "out.tmp-4711".
constexpr const char *k_temporary_mark = ".tmp-";
// Marks an old folder that is being replaced; the process number follows too.
constexpr const char *k_replaced_mark = ".old-";

std::string temporary_name(const std::string &path) {
  return path + k_temporary_mark + std::to_string(::getpid());
}

// Opens what lies at `path` and locks it. Returns the descriptor, which holds the lock; -1 if nothing is there or if it
// cannot be locked, for example because another process is still writing it.
int lock_of(const std::string &path, int flags) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | flags);
  if (fd < 0 || ::flock(fd, LOCK_EX | LOCK_NB) == 0) return fd;
  ::close(fd);
  return -1;
}

void remove_if_abandoned(const fs::path &path) {
  const int fd = lock_of(path.string(), 0);
  if (fd < 0) return;
  std::error_code ignored;
  fs::remove_all(path, ignored);
  ::close(fd);
}

// Removes the files and folders beside `path` whose name is the name of `path`, then `mark`, then a process number and perhaps a counter
// ("out.tmp-4711", "out.tmp-4711-1"). Those on which a living process has a lock stay.
void remove_abandoned(const fs::path &path, const char *mark) {
  const std::string start = path.filename().string() + mark;
  const auto parent = path.has_parent_path() ? path.parent_path() : fs::path(".");
  std::error_code code;
  std::vector<fs::path> found;
  for (const auto &entry : fs::directory_iterator(parent, code)) {
    const std::string name = entry.path().filename().string();
    if (name.rfind(start, 0) == 0 &&
        name.find_first_not_of("0123456789-", start.size()) == std::string::npos)
      found.push_back(entry.path());
  }
  for (const auto &one : found) remove_if_abandoned(one);
}

// Whether the file of this descriptor still has a name. Another process may have removed it as abandoned between our open()
// and our lock.
bool has_name(int fd) {
  struct stat info {};
  return ::fstat(fd, &info) == 0 && info.st_nlink > 0;
}

}  // namespace

// ---- files

file_in_progress::file_in_progress(std::string path) : path_(std::move(path)) {
  const fs::path parent = fs::path(path_).parent_path();
  std::error_code code;
  if (!parent.empty()) fs::create_directories(parent, code);
  if (code) throw_file_error(path_, "cannot create the folder of the file", code.value());
  remove_abandoned(path_, k_temporary_mark);
  create();
}

// Opens and locks the temporary file. Its name contains the process number. A process on another machine or in another
// container can have the same number and use the name; then a counter is added to the name ("out.tmp-4711-1").
void file_in_progress::create() {
  for (int attempt = 0; fd_ < 0; ++attempt) {
    temporary_ = temporary_name(path_) + (attempt > 0 ? "-" + std::to_string(attempt) : "");
    const int fd = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd < 0 && errno == EEXIST) continue;
    if (fd < 0) throw_file_error(path_, "cannot write the file", errno);
    const bool taken = ::flock(fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK;
    if (!taken && has_name(fd))
      fd_ = fd;
    else
      ::close(fd);
  }
}

file_in_progress::~file_in_progress() {
  if (fd_ < 0) return;
  ::unlink(temporary_.c_str());
  ::close(fd_);
}

void file_in_progress::write(const void *bytes, size_t n_bytes) {
  const char *at = static_cast<const char *>(bytes);
  while (n_bytes > 0) {
    const ssize_t n = ::write(fd_, at, std::min(n_bytes, size_t{1} << 30));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) throw_file_error(path_, "cannot write the file", errno);
    at += n;
    n_bytes -= static_cast<size_t>(n);
  }
}

void file_in_progress::commit() {
  if (::fsync(fd_) != 0) throw_file_error(path_, "cannot write the file", errno);
  if (::rename(temporary_.c_str(), path_.c_str()) != 0)
    throw_file_error(path_, "cannot write the file", errno);
  ::close(fd_);
  fd_ = -1;
}

// ---- folders

folder_in_progress::folder_in_progress(std::string final_path, bool replace)
    : final_(without_trailing_slashes(std::move(final_path))),
      claim_(path_claim::beside(final_)),
      replace_(replace) {
  if (!replace_ && fs::exists(final_))
    throw error(error_kind::failed, "the folder exists already")
        .at(final_)
        .hint("Choose another name or remove it first");
  temporary_ = temporary_name(final_);
  remove_abandoned(final_, k_temporary_mark);
  std::error_code code;
  fs::remove_all(temporary_, code);
  fs::create_directories(temporary_, code);
  if (code) throw_file_error(final_, "cannot create the folder", code.value());
  lock_ = lock_of(temporary_, O_DIRECTORY);
}

folder_in_progress::~folder_in_progress() {
  std::error_code code;
  if (!committed_) fs::remove_all(temporary_, code);
  if (lock_ >= 0) ::close(lock_);
}

// An old folder is first renamed, not removed, so that it can be put back if the new one cannot take its place.
void folder_in_progress::commit() {
  std::error_code code;
  if (replace_ && fs::exists(final_)) {
    const std::string old = final_ + k_replaced_mark + std::to_string(::getpid());
    fs::rename(final_, old, code);
    if (code) throw_file_error(final_, "cannot replace the folder", code.value());
    fs::rename(temporary_, final_, code);
    if (code) {
      const int number = code.value();
      fs::rename(old, final_, code);
      throw_file_error(final_, "cannot rename the finished folder into place", number);
    }
    fs::remove_all(old, code);
  } else {
    fs::rename(temporary_, final_, code);
    if (code)
      throw_file_error(final_, "cannot rename the finished folder into place", code.value());
  }
  committed_ = true;
  // The new folder is in place. An old folder that a killed process had set aside is no longer needed.
  remove_abandoned(final_, k_replaced_mark);
}

}  // namespace assay
