// Connects libedit, a library for editing lines, to the prompt: UTF-8 input, Ctrl-C, completion of
// names, and a history in a plain text file.
#include "lua/line_editor.hpp"

#include <histedit.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <clocale>
#include <cstdio>
#include <cstdlib>
#include <cwchar>
#include <fstream>
#include <string_view>

#include "core/cancel.hpp"

namespace assay::lua {
namespace {

constexpr int k_history_lines = 500;
constexpr int k_read_one = 1, k_end_of_input = 0, k_read_failed = -1;  // of libedit's read function

// Keys that libedit does not bind by itself on every terminal.
constexpr const char *k_keys[][2] = {
    {"\\e[3~", "ed-delete-next-char"}, {"\\e[H", "ed-move-to-beg"},  {"\\eOH", "ed-move-to-beg"},
    {"\\e[1~", "ed-move-to-beg"},      {"\\e[F", "ed-move-to-end"},  {"\\eOF", "ed-move-to-end"},
    {"\\e[4~", "ed-move-to-end"},      {"^R", "em-inc-search-prev"},
};

std::string common_prefix(const std::vector<std::string> &words) {
  std::string prefix = words.front();
  for (const std::string &word : words) {
    size_t i = 0;
    while (i < prefix.size() && i < word.size() && prefix[i] == word[i]) ++i;
    prefix.resize(i);
  }
  return prefix;
}

bool is_of_a_name(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) ||
         std::string_view("_.:").find(c) != std::string_view::npos;
}

// Reads one character of standard input. After Ctrl-C it fails, which ends the line; the reader of
// libedit itself would go on waiting.
int read_character(EditLine *, wchar_t *out) {
  std::mbstate_t state{};
  for (;;) {
    char byte = 0;
    const ssize_t n = ::read(STDIN_FILENO, &byte, 1);
    if (n == 0) return k_end_of_input;
    if (n < 0 && errno == EINTR && !cancel_requested()) continue;
    if (n < 0) return k_read_failed;
    const size_t used = std::mbrtowc(out, &byte, 1, &state);
    if (used == static_cast<size_t>(-1)) return *out = L'?', k_read_one;  // a byte that is no UTF-8
    if (used != static_cast<size_t>(-2)) return k_read_one;
  }
}

std::string history_file() {
  const char *home = std::getenv("HOME");
  return home ? std::string(home) + "/.assay_history" : "";
}

}  // namespace

struct line_editor::terminal {
  terminal(completer complete, std::string history_path)
      : complete_word(std::move(complete)), path(std::move(history_path)) {
    std::setlocale(LC_CTYPE, "C.UTF-8");  // libedit counts characters by the locale
    // libedit gets the descriptors as numbers, because our stdout is a stream without a descriptor
    // (core/standard_output.hpp).
    edit = el_init_fd("assay", stdin, stdout, stderr, STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO);
    lines = history_init();
    HistEvent event;
    history(lines, &event, H_SETSIZE, k_history_lines);
    history(lines, &event, H_SETUNIQUE, 1);
    std::ifstream file(path);
    for (std::string line; std::getline(file, line);) history(lines, &event, H_ENTER, line.c_str());
    el_set(edit, EL_CLIENTDATA, this);
    el_set(edit, EL_PROMPT, &terminal::prompt_of);
    el_set(edit, EL_EDITOR, "emacs");
    el_set(edit, EL_HIST, history, lines);
    el_set(edit, EL_GETCFN, read_character);
    el_set(edit, EL_ADDFN, "assay-complete", "completes a name", &terminal::complete);
    el_set(edit, EL_BIND, "^I", "assay-complete", nullptr);
    for (const auto &[key, action] : k_keys) el_set(edit, EL_BIND, key, action, nullptr);
    el_source(edit, nullptr);  // the user's own ~/.editrc
  }
  ~terminal() {
    history_end(lines);
    el_end(edit);
  }
  terminal(const terminal &) = delete;
  terminal &operator=(const terminal &) = delete;

  static terminal &self(EditLine *edit) {
    void *data = nullptr;
    el_get(edit, EL_CLIENTDATA, &data);
    return *static_cast<terminal *>(data);
  }

  static char *prompt_of(EditLine *edit) { return self(edit).prompt.data(); }

  // Called for the tab key. Inserts the beginning that all candidates share; if the line has all of
  // it already, prints the candidates above the line.
  static unsigned char complete(EditLine *edit, int) {
    const LineInfo *line = el_line(edit);
    const char *start = line->cursor;
    while (start > line->buffer && is_of_a_name(start[-1])) --start;
    const std::string word(start, line->cursor);
    const std::vector<std::string> words = self(edit).complete_word(word);
    if (words.empty()) return CC_REFRESH_BEEP;
    const std::string prefix = common_prefix(words);
    if (prefix.size() > word.size()) {
      el_deletestr(edit, static_cast<int>(word.size()));
      el_insertstr(edit, prefix.c_str());
      return CC_REFRESH;
    }
    std::puts("");
    for (const std::string &one : words) std::printf("%s  ", one.c_str());
    std::puts("");
    return CC_REDISPLAY;
  }

  EditLine *edit = nullptr;
  History *lines = nullptr;
  completer complete_word;
  std::string prompt, path, last;  // last: the newest statement of the history
};

line_editor::line_editor(bool terminal_input, completer complete, bool keeps_file) {
  if (terminal_input)
    terminal_ = std::make_unique<terminal>(std::move(complete), keeps_file ? history_file() : "");
}

line_editor::~line_editor() = default;

bool line_editor::read(const std::string &prompt, std::string &line) {
  line.clear();
  interrupted_ = false;
  if (!terminal_) {
    for (int c = std::getc(stdin); c != EOF; c = std::getc(stdin)) {
      if (c == '\n') return true;
      line += static_cast<char>(c);
    }
    return !line.empty();
  }
  terminal_->prompt = prompt;
  int length = 0;
  const char *text = el_gets(terminal_->edit, &length);
  if (cancel_requested()) {
    clear_cancel();
    interrupted_ = true;
    el_reset(terminal_->edit);
    std::puts("^C");
    return true;
  }
  if (!text || length <= 0) {
    std::puts("");
    return false;
  }
  line.assign(text, static_cast<size_t>(length));
  if (line.back() == '\n') line.pop_back();
  return true;
}

void line_editor::remember(const std::string &statement) {
  if (!terminal_) return;
  std::string flat = statement;
  std::replace(flat.begin(), flat.end(), '\n', ' ');
  if (flat == terminal_->last) return;
  terminal_->last = flat;
  HistEvent event;
  history(terminal_->lines, &event, H_ENTER, flat.c_str());
  if (terminal_->path.empty()) return;
  if (FILE *file = std::fopen(terminal_->path.c_str(), "ae")) {
    std::fprintf(file, "%s\n", flat.c_str());
    std::fclose(file);
  }
}

}  // namespace assay::lua
