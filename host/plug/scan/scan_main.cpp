// assay-scan FILE: loads one plugin and prints what it is as one line of JSON. Run by assay in a
// child process, because a plugin may crash, hang or leave while it is loaded. Links no LibTorch.
#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <string>

#include "plug/scan/scan.hpp"

namespace {

constexpr unsigned k_alarm_seconds =
    10;  // for a scan whose parent is gone; the parent's limit is 5 s

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
  const int answer =
      fcntl(1, F_DUPFD_CLOEXEC, 3);  // what the plugin prints must not mix with the answer
  dup2(2, 1);
  const std::string text = assay::json_text(assay::plug::scan_here(argv[1])) + "\n";
  // _exit: destructors of the plugin's static objects are not what is tried out here
  _exit(write_all(answer, text) ? 0 : 1);
}
