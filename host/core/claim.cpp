// Makes claims by flock(2) on files that name their holder. flock locks an open file, not a process: if this process opened the
// file a second time, its second lock would be refused too. Therefore a map keeps one open file per path, and counts its claims.
#include "core/claim.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <map>
#include <mutex>

#include "core/error.hpp"
#include "core/file.hpp"

namespace assay {
namespace fs = std::filesystem;
namespace {

struct held_lock {
  int fd = -1;
  int claims = 0;
};

std::mutex g_guard;

std::map<std::string, held_lock> &held_locks() {
  static std::map<std::string, held_lock> all;
  return all;
}

void make_folder(const fs::path &folder, const std::string &path) {
  std::error_code code;
  if (!folder.empty()) fs::create_directories(folder, code);
  if (code) throw_file_error(path, "cannot create the folder", code.value());
}

std::string machine_name() {
  char name[256] = {};
  return ::gethostname(name, sizeof name - 1) == 0 ? name : "an unknown machine";
}

// The process number and the machine of the holder, as in "4711 machine"; "" if the holder has not written them yet.
std::string holder_text(int fd) {
  char text[300];
  const ssize_t n = ::pread(fd, text, sizeof text, 0);
  const std::string line(text, n > 0 ? static_cast<size_t>(n) : 0);
  return line.substr(0, line.find('\n'));
}

[[noreturn]] void refuse(const std::string &path, const std::string &holder) {
  const size_t space = holder.find(' ');
  const std::string who = space == std::string::npos ? "another process"
                                                     : "process " + holder.substr(0, space) +
                                                           " on " + holder.substr(space + 1);
  throw error(error_kind::failed, who + " is at work on it")
      .at(path)
      .hint("Wait until it has ended, or choose another name");
}

// One name for all ways to write the path of a file: "./out.lock" and "out.lock" give the same. The folder of the file must
// exist; the file itself need not.
std::string canonical_name(const std::string &file) {
  std::error_code code;
  const fs::path whole = fs::absolute(file, code);
  const fs::path folder = fs::canonical(whole.parent_path(), code);
  return code ? file : (folder / whole.filename()).string();
}

int open_lock(const std::string &path, const std::string &lock) {
  int fd = ::open(lock.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  const int problem = errno;
  // The file may belong to another user. flock needs no permission to write, so a file opened for reading can be locked too.
  if (fd < 0 && problem == EACCES) fd = ::open(lock.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) throw_file_error(path, "cannot write here", problem);
  return fd;
}

// Whether the opened file still has the name `lock`. Between our open() and flock() its last holder may have removed it, and
// another process may have made a new file of this name; then our lock would protect nothing.
bool is_current(int fd, const std::string &lock) {
  struct stat opened {
  }, named{};
  return ::fstat(fd, &opened) == 0 && ::stat(lock.c_str(), &named) == 0 &&
         opened.st_dev == named.st_dev && opened.st_ino == named.st_ino;
}

int take_lock(const std::string &path, const std::string &lock) {
  for (;;) {
    const int fd = open_lock(path, lock);
    if (::flock(fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
      const std::string holder = holder_text(fd);
      ::close(fd);
      refuse(path, holder);
    }
    if (is_current(fd, lock)) {
      const std::string me = std::to_string(::getpid()) + " " + machine_name() + "\n";
      // Other processes need these bytes only for a message. If the write fails (full disk), the message
      // can only say "another process".
      [[maybe_unused]] const bool named =
          ::ftruncate(fd, 0) == 0 && ::write(fd, me.data(), me.size()) > 0;
      return fd;
    }
    ::close(fd);
  }
}

}  // namespace

std::string without_trailing_slashes(std::string path) {
  while (path.size() > 1 && path.back() == '/') path.pop_back();
  return path;
}

void refuse_dangling_link(const std::string &path) {
  std::error_code code;
  if (!fs::is_symlink(fs::symlink_status(path, code)) || fs::exists(path, code)) return;
  throw error(error_kind::failed, "the link leads to nothing")
      .at(path)
      .cause("it names " + fs::read_symlink(path, code).string())
      .hint("Remove the link, or make what it names");
}

path_claim path_claim::beside(const std::string &path) {
  const std::string plain = without_trailing_slashes(path);
  refuse_dangling_link(plain);
  make_folder(fs::path(plain).parent_path(), plain);
  return {plain, plain + ".lock"};
}

path_claim path_claim::inside(const std::string &folder) {
  const std::string plain = without_trailing_slashes(folder);
  refuse_dangling_link(plain);
  make_folder(plain, plain);
  return {plain, plain + "/.lock"};
}

path_claim::path_claim(const std::string &path, const std::string &lock)
    : lock_(canonical_name(lock)) {
  const std::lock_guard<std::mutex> turn(g_guard);
  held_lock &mine = held_locks()[lock_];
  try {
    if (mine.claims == 0) mine.fd = take_lock(path, lock_);
  } catch (...) {
    held_locks().erase(lock_);
    throw;
  }
  ++mine.claims;
}

path_claim::path_claim(path_claim &&other) noexcept : lock_(std::move(other.lock_)) {
  other.lock_.clear();
}

path_claim::~path_claim() {
  if (lock_.empty()) return;
  const std::lock_guard<std::mutex> turn(g_guard);
  const auto found = held_locks().find(lock_);
  if (--found->second.claims > 0) return;
  // The file is removed before its lock is freed; in the other order we could remove a file that the next process has
  // locked already. A process that has opened this file meanwhile finds out in is_current().
  ::unlink(lock_.c_str());
  ::close(found->second.fd);
  held_locks().erase(found);
}

}  // namespace assay
