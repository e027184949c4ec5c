// Checks a file by stat before it is opened, and by its first bytes after it was read.
#include "core/regular_file.hpp"

#include <sys/stat.h>

#include <cerrno>
#include <filesystem>

#include "core/error.hpp"
#include "core/file.hpp"

namespace assay {
namespace fs = std::filesystem;
namespace {

constexpr std::string_view k_lfs_version = "version https://git-lfs.github.com/spec/";

const char *name_of(mode_t mode) {
  if (S_ISDIR(mode)) return "a folder";
  if (S_ISFIFO(mode)) return "a named pipe";
  if (S_ISSOCK(mode)) return "a socket";
  return "a device";
}

}  // namespace

bool is_there(const std::string &path) {
  std::error_code code;
  if (fs::exists(path, code)) return true;
  if (!fs::is_symlink(fs::symlink_status(path, code))) return false;
  throw error(error_kind::failed, "the file is a link to nothing")
      .at(path)
      .hint("The download is not complete: get the model again");
}

void require_regular_file(const std::string &path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) {
    const int number = errno;
    is_there(path);
    throw_file_error(path, "cannot open the file", number);
  }
  if (!S_ISREG(info.st_mode))
    throw error(error_kind::failed, std::string("not a regular file but ") + name_of(info.st_mode))
        .at(path)
        .hint("The files of a model are read more than once: put a plain file there");
}

void refuse_lfs_pointer(std::string_view bytes, const std::string &path) {
  if (!bytes.starts_with(k_lfs_version)) return;
  throw error(error_kind::failed, "the file is a Git LFS pointer, its content was not downloaded")
      .at(path)
      .hint("Run 'git lfs pull' in the folder, or download the file itself");
}

std::string read_regular_file(const std::string &path, uint64_t limit_bytes) {
  require_regular_file(path);
  std::string bytes = read_file(path, limit_bytes);
  refuse_lfs_pointer(bytes, path);
  return bytes;
}

json read_regular_json(const std::string &path) {
  return parse_json(read_regular_file(path), path);
}

}  // namespace assay
