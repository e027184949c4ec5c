// Replaces stdout by a stream of our own that remembers the errno of the first failed write. Plain stdio remembers only that a
// write failed, not why. gnulib's close_stdout also checks stdout at the end of a program. But if an earlier write failed, it does
// not know why. fopencookie and the assignment to `stdout` are extensions of glibc (The GNU C Library, sections 12.2 and 12.21.2).
#include "core/standard_output.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <initializer_list>

namespace assay {
namespace {

int g_first_error = 0;

// The write function for fopencookie. Returns the number of bytes written, 0 for an error, as fopencookie demands.
ssize_t write_all(void *, const char *bytes, size_t n_bytes) {
  size_t done = 0;
  while (done < n_bytes) {
    const ssize_t n = ::write(STDOUT_FILENO, bytes + done, n_bytes - done);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) {
      if (g_first_error == 0) g_first_error = errno;
      return 0;
    }
    done += static_cast<size_t>(n);
  }
  return static_cast<ssize_t>(n_bytes);
}

// Opens /dev/null in place of each closed standard descriptor: stdin for writing, the others for reading. So a use of the
// descriptor still fails, as it would if it were closed.
void fill_closed_descriptors() {
  for (const int number : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO})
    if (::fcntl(number, F_GETFD) < 0 && errno == EBADF)
      ::open("/dev/null", number == STDIN_FILENO ? O_WRONLY : O_RDONLY);
}

}  // namespace

void open_standard_output() {
  fill_closed_descriptors();
  FILE *stream = ::fopencookie(nullptr, "w", {nullptr, write_all, nullptr, nullptr});
  if (stream == nullptr) return;  // no memory: stdout stays the plain stream
  std::setvbuf(stream, nullptr, ::isatty(STDOUT_FILENO) == 1 ? _IOLBF : _IOFBF, BUFSIZ);
  stdout = stream;
}

int close_standard_output(int code) {
  if (std::fflush(stdout) != 0 && g_first_error == 0) g_first_error = errno;
  // Some file systems report a full disk only here.
  if (::close(STDOUT_FILENO) != 0 && g_first_error == 0 && errno != EBADF) g_first_error = errno;
  if (g_first_error == 0 || g_first_error == EPIPE) return code;
  std::fprintf(stderr, "assay: write error: %s\n", std::strerror(g_first_error));
  return code != 0 ? code : 1;
}

}  // namespace assay
