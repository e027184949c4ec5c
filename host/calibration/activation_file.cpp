// Reads and writes the file of activations with pread and pwrite, because a mapped file would count as
// memory of the process.
#include "calibration/activation_file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <vector>

#include "core/error.hpp"

namespace assay::quant {
namespace {

[[noreturn]] void fail(const std::string &what, const std::string &folder) {
  throw error(error_kind::failed, "the file for activations cannot be " + what)
      .at(folder)
      .cause(std::strerror(errno))
      .hint("Make room on that disk, or calibrate on fewer tokens");
}

}  // namespace

activation_file::activation_file(const std::string &folder) : folder_(folder) {
  std::error_code ignored;  // if this fails, opening the file reports the reason
  std::filesystem::create_directories(folder, ignored);
  const std::string pattern = (std::filesystem::path(folder) / "stages-XXXXXX").string();
  std::vector<char> name(pattern.c_str(), pattern.c_str() + pattern.size() + 1);
  file_ = ::mkostemp(name.data(), O_CLOEXEC);
  if (file_ < 0) fail("made", folder);
  ::unlink(name.data());  // a killed run leaves nothing behind
}

activation_file::~activation_file() {
  if (file_ >= 0) ::close(file_);
}

void activation_file::put(int64_t offset, const at::Tensor &values) {
  const char *from = static_cast<const char *>(values.const_data_ptr());
  for (auto left = values.nbytes(); left > 0;) {
    const ssize_t n = ::pwrite(file_, from, left, offset);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) fail("written", folder_);
    from += n, offset += n, left -= static_cast<size_t>(n);
  }
}

at::Tensor activation_file::get(int64_t offset, at::IntArrayRef shape, at::ScalarType dtype) const {
  at::Tensor out = at::empty(shape, dtype);
  char *to = static_cast<char *>(out.mutable_data_ptr());
  for (auto left = out.nbytes(); left > 0;) {
    const ssize_t n = ::pread(file_, to, left, offset);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) fail("read", folder_);
    to += n, offset += n, left -= static_cast<size_t>(n);
  }
  return out;
}

}  // namespace assay::quant
