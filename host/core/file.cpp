// Whole reads, atomic writes, temporary folders.
#include "core/file.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <vector>

#include "core/error.hpp"

namespace assay {
namespace fs = std::filesystem;
namespace {

// Owns a file descriptor.
struct descriptor {
  int fd = -1;
  ~descriptor() {
    if (fd >= 0) ::close(fd);
  }
};

constexpr const char *k_temporary_mark = ".tmp-";  // and the number of the process

std::string temporary_name(const std::string &path) {
  return path + k_temporary_mark + std::to_string(::getpid());
}

// A folder under construction is locked by its maker; the system frees the lock of a killed one.
int locked(const std::string &folder) {
  const int fd = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0 || ::flock(fd, LOCK_EX | LOCK_NB) == 0) return fd;
  ::close(fd);
  return -1;
}

// Folders under construction at `path` that nobody will finish.
void remove_abandoned(const fs::path &path) {
  const std::string start = path.filename().string() + k_temporary_mark;
  const auto parent = path.has_parent_path() ? path.parent_path() : fs::path(".");
  std::error_code code;
  std::vector<fs::path> found;
  for (const auto &entry : fs::directory_iterator(parent, code)) {
    const std::string name = entry.path().filename().string();
    if (name.rfind(start, 0) == 0 &&
        name.find_first_not_of("0123456789", start.size()) == std::string::npos)
      found.push_back(entry.path());
  }
  for (const auto &folder : found)
    if (const descriptor lock{locked(folder.string())}; lock.fd >= 0) fs::remove_all(folder, code);
}

}  // namespace

void throw_file_error(const std::string &path, const std::string &what, int number) {
  auto e = error(error_kind::failed, what).at(path).cause(std::strerror(number));
  if (number == ENOSPC || number == EDQUOT)
    throw std::move(e).hint("Free some space and start again");
  throw e;
}

std::string read_file(const std::string &path, uint64_t limit_bytes) {
  descriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  if (file.fd < 0) throw_file_error(path, "cannot open the file", errno);
  struct stat info {};
  if (::fstat(file.fd, &info) != 0) throw_file_error(path, "cannot read the file", errno);
  if (S_ISDIR(info.st_mode)) throw_file_error(path, "cannot read the file", EISDIR);
  if (static_cast<uint64_t>(info.st_size) > limit_bytes)
    throw error(error_kind::failed, "the file has " + std::to_string(info.st_size) +
                                        " bytes, more than the limit of " +
                                        std::to_string(limit_bytes))
        .at(path);
  std::string bytes;
  bytes.reserve(static_cast<size_t>(info.st_size));
  char buffer[1 << 16];
  for (;;) {
    const ssize_t n = ::read(file.fd, buffer, sizeof buffer);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) throw_file_error(path, "cannot read the file", errno);
    if (n == 0) return bytes;
    bytes.append(buffer, static_cast<size_t>(n));
    if (bytes.size() > limit_bytes)
      throw_file_error(path, "the file is larger than its limit", EFBIG);
  }
}

void write_file_atomically(const std::string &path, std::string_view bytes) {
  const fs::path parent = fs::path(path).parent_path();
  std::error_code code;
  if (!parent.empty()) fs::create_directories(parent, code);
  const std::string temporary = temporary_name(path);
  int problem = 0;
  {
    descriptor file{::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666)};
    if (file.fd < 0) throw_file_error(path, "cannot write the file", errno);
    while (!bytes.empty() && problem == 0) {
      const ssize_t n = ::write(file.fd, bytes.data(), bytes.size());
      if (n < 0 && errno == EINTR) continue;
      if (n < 0)
        problem = errno;
      else
        bytes.remove_prefix(static_cast<size_t>(n));
    }
    if (problem == 0 && ::fsync(file.fd) != 0) problem = errno;
  }
  if (problem == 0 && ::rename(temporary.c_str(), path.c_str()) != 0) problem = errno;
  if (problem == 0) return;
  ::unlink(temporary.c_str());
  throw_file_error(path, "cannot write the file", problem);
}

folder_in_progress::folder_in_progress(std::string final_path, bool replace)
    : final_(std::move(final_path)), replace_(replace) {
  while (final_.size() > 1 && final_.back() == '/') final_.pop_back();
  if (!replace_ && fs::exists(final_))
    throw error(error_kind::failed, "the folder exists already")
        .at(final_)
        .hint("Choose another name or remove it first");
  temporary_ = temporary_name(final_);
  std::error_code code;
  remove_abandoned(final_);
  fs::remove_all(temporary_, code);
  fs::create_directories(temporary_, code);
  if (code) throw_file_error(final_, "cannot create the folder", code.value());
  lock_ = locked(temporary_);
}

folder_in_progress::~folder_in_progress() {
  std::error_code code;
  if (!committed_) fs::remove_all(temporary_, code);
  if (lock_ >= 0) ::close(lock_);
}

void folder_in_progress::commit() {
  std::error_code code;
  if (replace_ && fs::exists(final_)) {
    const std::string old = final_ + ".old-" + std::to_string(::getpid());
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
}

std::string executable_folder() {
  std::error_code code;
  const fs::path self = fs::read_symlink("/proc/self/exe", code);
  if (code) throw_file_error("/proc/self/exe", "cannot find the running program", code.value());
  return self.parent_path().string();
}

std::string scripts_folder() {
  const fs::path base = executable_folder();
  for (const fs::path &candidate :
       {base / "../../scripts", base / "../share/assay/scripts", fs::path(ASSAY_SCRIPTS_DIR)})
    if (fs::exists(candidate / "assay/init.lua")) return fs::weakly_canonical(candidate).string();
  throw error(error_kind::failed, "the Lua library (scripts/assay) was not found")
      .at(base.string())
      .hint("Start the program from its build folder, or reinstall it");
}

}  // namespace assay
