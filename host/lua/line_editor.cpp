// A line editor of one screen line: arrows, home, end, history, tab. UTF-8 characters count as one
// column.
#include "lua/line_editor.hpp"

#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <fstream>

#include "core/cancel.hpp"

namespace assay::lua {
namespace {

constexpr size_t k_history_lines = 500;
constexpr char k_escape = '\x1b';

// Keys one by one and without echo, as long as this lives. Ctrl-C stays a signal.
class raw_mode {
 public:
  raw_mode() {
    usable_ = ::tcgetattr(0, &before_) == 0;
    termios raw = before_;
    raw.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);
    raw.c_cc[VMIN] = 1;
    raw.c_cc[VTIME] = 0;
    usable_ = usable_ && ::tcsetattr(0, TCSADRAIN, &raw) == 0;
  }
  ~raw_mode() {
    if (usable_) ::tcsetattr(0, TCSADRAIN, &before_);
  }
  raw_mode(const raw_mode &) = delete;
  raw_mode &operator=(const raw_mode &) = delete;
  bool usable() const { return usable_; }

 private:
  termios before_{};
  bool usable_ = false;
};

bool continues(char c) {
  return (static_cast<unsigned char>(c) & 0xC0) == 0x80;
}

size_t before(const std::string &line, size_t cursor) {
  if (cursor > 0) --cursor;
  while (cursor > 0 && continues(line[cursor])) --cursor;
  return cursor;
}

size_t after(const std::string &line, size_t cursor) {
  if (cursor < line.size()) ++cursor;
  while (cursor < line.size() && continues(line[cursor])) ++cursor;
  return cursor;
}

size_t columns(const std::string &text, size_t end) {
  size_t n = 0;
  for (size_t i = 0; i < end; ++i) n += continues(text[i]) ? 0 : 1;
  return n;
}

// 1 = a byte was read, 0 = end of input, -1 = interrupted
int read_byte(char &c) {
  const ssize_t n = ::read(0, &c, 1);
  if (n == 1) return 1;
  return n < 0 && errno == EINTR ? -1 : 0;
}

std::string common_prefix(const std::vector<std::string> &words) {
  std::string prefix = words.front();
  for (const std::string &word : words) {
    size_t i = 0;
    while (i < prefix.size() && i < word.size() && prefix[i] == word[i]) ++i;
    prefix.resize(i);
  }
  return prefix;
}

}  // namespace

line_editor::line_editor(bool terminal, completer complete)
    : terminal_(terminal), complete_(std::move(complete)) {
  const char *home = std::getenv("HOME");
  if (!terminal || !home) return;
  history_path_ = std::string(home) + "/.assay_history";
  std::ifstream file(history_path_);
  for (std::string line; std::getline(file, line);) history_.push_back(line);
  if (history_.size() > k_history_lines)
    history_.erase(history_.begin(), history_.end() - k_history_lines);
}

bool line_editor::read(const std::string &prompt, std::string &line) {
  line.clear();
  interrupted_ = false;
  if (terminal_) return edit(prompt, line);
  return read_plain(line);
}

bool line_editor::read_plain(std::string &line) {
  for (int c = std::getc(stdin); c != EOF; c = std::getc(stdin)) {
    if (c == '\n') return true;
    line += static_cast<char>(c);
  }
  return !line.empty();
}

void line_editor::draw(const std::string &prompt, const std::string &line, size_t cursor) const {
  const size_t back = columns(line, line.size()) - columns(line, cursor);
  std::printf("\r%s%s\x1b[K", prompt.c_str(), line.c_str());
  if (back > 0) std::printf("\x1b[%zuD", back);
  std::fflush(stdout);
}

bool line_editor::edit(const std::string &prompt, std::string &line) {
  const raw_mode raw;
  size_t cursor = 0, place = history_.size();
  for (;;) {
    draw(prompt, line, cursor);
    char c = 0;
    const int got = read_byte(c);
    if (got < 0 && cancel_requested()) {
      clear_cancel();
      interrupted_ = true;
      std::puts("^C");
      line.clear();
      return true;
    }
    if (got < 0) continue;
    if (got == 0 || (c == '\x04' && line.empty())) {
      std::puts("");
      return false;
    }
    switch (c) {
      case '\r':
      case '\n':
        std::puts("");
        return true;
      case '\t':
        complete_word(line, cursor);
        break;
      case '\x01':
        cursor = 0;
        break;  // Ctrl-A
      case '\x05':
        cursor = line.size();
        break;  // Ctrl-E
      case '\x15':
        line.erase(0, cursor), cursor = 0;
        break;  // Ctrl-U
      case '\x7f':
      case '\b': {
        const size_t to = before(line, cursor);
        line.erase(to, cursor - to);
        cursor = to;
        break;
      }
      case k_escape:
        escape_sequence(line, cursor, place);
        break;
      default:
        if (static_cast<unsigned char>(c) < 32) break;
        line.insert(cursor++, 1, c);
    }
  }
}

void line_editor::escape_sequence(std::string &line, size_t &cursor, size_t &place) {
  char kind = 0, key = 0;
  if (read_byte(kind) != 1 || (kind != '[' && kind != 'O') || read_byte(key) != 1) return;
  switch (key) {
    case 'A':
      recall(-1, line, cursor, place);
      break;
    case 'B':
      recall(+1, line, cursor, place);
      break;
    case 'C':
      cursor = after(line, cursor);
      break;
    case 'D':
      cursor = before(line, cursor);
      break;
    case 'H':
      cursor = 0;
      break;
    case 'F':
      cursor = line.size();
      break;
    default:
      if (key == '3') line.erase(cursor, after(line, cursor) - cursor);
      while (key >= '0' && key <= ';') {
        if (read_byte(key) != 1) return;
      }
  }
}

void line_editor::recall(int step, std::string &line, size_t &cursor, size_t &place) {
  if (step < 0 && place == 0) return;
  if (step > 0 && place >= history_.size()) return;
  place = step < 0 ? place - 1 : place + 1;
  line = place < history_.size() ? history_[place] : "";
  cursor = line.size();
}

void line_editor::complete_word(std::string &line, size_t &cursor) const {
  size_t start = cursor;
  while (start > 0 && (std::isalnum(static_cast<unsigned char>(line[start - 1])) ||
                       std::string_view("_.:").find(line[start - 1]) != std::string_view::npos))
    --start;
  const std::vector<std::string> words = complete_(line.substr(start, cursor - start));
  if (words.empty()) return;
  const std::string prefix = common_prefix(words);
  if (prefix.size() > cursor - start) {
    line.replace(start, cursor - start, prefix);
    cursor = start + prefix.size();
    return;
  }
  std::puts("");
  for (const std::string &word : words) std::printf("%s  ", word.c_str());
  std::puts("");
}

void line_editor::remember(const std::string &statement) {
  std::string flat = statement;
  std::replace(flat.begin(), flat.end(), '\n', ' ');
  if (history_path_.empty() || (!history_.empty() && history_.back() == flat)) return;
  history_.push_back(flat);
  if (FILE *file = std::fopen(history_path_.c_str(), "ae")) {
    std::fprintf(file, "%s\n", flat.c_str());
    std::fclose(file);
  }
}

}  // namespace assay::lua
