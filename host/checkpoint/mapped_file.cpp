// Maps files into memory with copy-on-write pages, and gives the system hints about the pages.
#include "checkpoint/mapped_file.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "core/error.hpp"
#include "core/regular_file.hpp"

namespace assay::model {
namespace {

// A Git LFS pointer is a short text that stands in place of a large file that was not downloaded.
constexpr uint64_t k_longest_pointer = 1024;  // bytes

[[noreturn]] void fail(const std::string &path, const char *what, int number) {
  throw error(error_kind::failed, what).at(path).cause(std::strerror(number));
}

}  // namespace

std::shared_ptr<const mapped_file> mapped_file::open(const std::string &path) {
  require_regular_file(path);
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) fail(path, "cannot open the file", errno);
  struct stat info {};
  if (::fstat(fd, &info) != 0) {
    const int number = errno;
    ::close(fd);
    fail(path, "cannot read the file", number);
  }
  std::shared_ptr<mapped_file> file(new mapped_file());
  file->path_ = path;
  file->size_ = static_cast<uint64_t>(info.st_size);
  if (file->size_ > 0) {
    // MAP_NORESERVE: no swap space is reserved, because only pages that are edited would need it.
    void *data =
        ::mmap(nullptr, file->size_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_NORESERVE, fd, 0);
    const int number = errno;
    ::close(fd);
    if (data == MAP_FAILED) fail(path, "cannot map the file", number);
    file->data_ = static_cast<uint8_t *>(data);
  } else {
    ::close(fd);
  }
  refuse_lfs_pointer(file->text(0, std::min(file->size_, k_longest_pointer)), path);
  return file;
}

mapped_file::~mapped_file() {
  if (data_ != nullptr) ::munmap(data_, size_);
}

std::string_view mapped_file::text(uint64_t begin_bytes, uint64_t n_bytes) const {
  return {reinterpret_cast<const char *>(data_) + begin_bytes, n_bytes};
}

void mapped_file::will_need(uint64_t begin_bytes, uint64_t n_bytes) const {
  const uint64_t page = 4096;
  const uint64_t first = begin_bytes / page * page;
  if (data_ != nullptr) ::madvise(data_ + first, n_bytes + (begin_bytes - first), MADV_WILLNEED);
}

void mapped_file::drop(uint64_t begin_bytes, uint64_t n_bytes) const {
  const uint64_t page = 4096;
  const uint64_t first = (begin_bytes + page - 1) / page * page,
                 last = (begin_bytes + n_bytes) / page * page;
  if (data_ != nullptr && last > first) ::madvise(data_ + first, last - first, MADV_DONTNEED);
}

}  // namespace assay::model
