// Reads and writes files with system calls, so that each failure can name the system's reason.
#include "core/file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <utility>

#include "core/error.hpp"
#include "core/in_progress.hpp"

namespace assay {
namespace fs = std::filesystem;
namespace {

// Owns a file descriptor and closes it.
class descriptor {
 public:
  explicit descriptor(int number) : fd(number) {}
  descriptor(descriptor &&other) noexcept : fd(std::exchange(other.fd, -1)) {}
  descriptor &operator=(descriptor &&) = delete;
  ~descriptor() {
    if (fd >= 0) ::close(fd);
  }
  int fd;
};

// Opens a file for reading and fills `info`. It refuses a folder: open() accepts a folder, and only read() would fail.
descriptor open_to_read(const std::string &path, struct stat &info) {
  descriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  if (file.fd < 0) throw_file_error(path, "cannot open the file", errno);
  if (::fstat(file.fd, &info) != 0) throw_file_error(path, "cannot read the file", errno);
  if (S_ISDIR(info.st_mode)) throw_file_error(path, "cannot read the file", EISDIR);
  return file;
}

void take_pieces(const descriptor &file, const std::string &path,
                 const std::function<void(std::string_view)> &take) {
  std::string buffer(size_t{1} << 16, '\0');
  for (;;) {
    const ssize_t n = ::read(file.fd, buffer.data(), buffer.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) throw_file_error(path, "cannot read the file", errno);
    if (n == 0) return;
    take(std::string_view(buffer.data(), static_cast<size_t>(n)));
  }
}

}  // namespace

void throw_file_error(const std::string &path, const std::string &what, int number) {
  auto e = error(error_kind::failed, what).at(path).cause(std::strerror(number));
  if (number == ENOSPC || number == EDQUOT)
    throw std::move(e).hint("Free some space and start again");
  throw e;
}

std::string read_file(const std::string &path, uint64_t limit_bytes) {
  struct stat info {};
  const descriptor file = open_to_read(path, info);
  if (static_cast<uint64_t>(info.st_size) > limit_bytes)
    throw error(error_kind::failed, "the file has " + std::to_string(info.st_size) +
                                        " bytes, more than the limit of " +
                                        std::to_string(limit_bytes))
        .at(path);
  std::string bytes;
  bytes.reserve(static_cast<size_t>(info.st_size));
  take_pieces(file, path, [&](std::string_view piece) {
    bytes.append(piece);
    if (bytes.size() > limit_bytes)
      throw_file_error(path, "the file is larger than its limit", EFBIG);
  });
  return bytes;
}

void read_pieces(const std::string &path, const std::function<void(std::string_view)> &take) {
  struct stat info {};
  take_pieces(open_to_read(path, info), path, take);
}

void refuse_stream(const std::string &path) {
  std::error_code code;
  const auto type = fs::status(path, code).type();
  const char *what = type == fs::file_type::fifo                                        ? "pipe"
                     : type == fs::file_type::socket                                    ? "socket"
                     : type == fs::file_type::character || type == fs::file_type::block ? "device"
                                                                                        : nullptr;
  if (what == nullptr) return;
  throw error(error_kind::usage,
              std::string("this is a ") + what + ", and the data is read more than once")
      .at(path)
      .hint("Write it to a file first, and give that file");
}

void write_file_atomically(const std::string &path, std::string_view bytes) {
  file_in_progress file(path);
  file.write(bytes.data(), bytes.size());
  file.commit();
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
