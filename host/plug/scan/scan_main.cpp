// The program assay-scan FILE: loads one plugin and prints its description as one line of JSON. assay runs it as a child process,
// because a plugin may crash, hang or end the process while it is loaded.
#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <string>

#include "plug/scan/scan.hpp"

namespace {

// Ends a scan whose parent is gone. A living parent ends it after 5 s.
constexpr unsigned k_alarm_seconds = 10;

bool write_all(int fd, const std::string &text) {
  size_t done = 0;
  while (done < text.size()) {
    const ssize_t n = write(fd, text.data() + done, text.size() - done);
    if (n <= 0) return false;
    done += static_cast<size_t>(n);
  }
  return true;
}

}  // namespace

int main(int argc, char **argv) {
  if (argc != 2) {
    std::fputs("usage: assay-scan FILE.assay.so\n", stderr);
    return 2;
  }
  alarm(k_alarm_seconds);
  // The answer goes to a copy of stdout, and stdout itself to stderr, so that what the plugin prints does not mix with the answer.
  const int answer = fcntl(1, F_DUPFD_CLOEXEC, 3);
  dup2(2, 1);
  const std::string text = assay::json_text(assay::plug::scan_here(argv[1])) + "\n";
  // _exit does not run the destructors of the plugin's static objects: they are not part of the scan.
  _exit(write_all(answer, text) ? 0 : 1);
}
