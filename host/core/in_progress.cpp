// Temporary names beside the final one. Their makers hold a lock on them, which the system frees when a process is killed:
// so the next run knows what nobody will finish.
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

constexpr const char *k_temporary_mark = ".tmp-";  // and the number of the process
constexpr const char *k_replaced_mark = ".old-";   // alike

std::string temporary_name(const std::string &path) {
  return path + k_temporary_mark + std::to_string(::getpid());
}

std::string without_trailing_slashes(std::string path) {
  while (path.size() > 1 && path.back() == '/') path.pop_back();
  return path;
}

// A descriptor that holds the lock of what lies at `path`, or -1: gone, or another process is at work on it.
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

// What bears `mark` beside `path` and belongs to no living process.
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

// The file of this descriptor still has a name: nobody took it for abandoned before it was locked.
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

// A name that another machine's or container's process of the same number uses is passed over.
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
  remove_abandoned(
      final_, k_replaced_mark);  // the new folder is there: what a kill left is no longer needed
}

}  // namespace assay
