// Reads the lines of the prompt: with editing, history and completion at a terminal (libedit), plainly from a pipe.
// This is not the prompt itself, which compiles and runs the lines (repl.cpp).
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace assay::lua {

class line_editor {
 public:
  // Returns the words that may replace `word`; an empty list means that nothing is known.
  using completer = std::function<std::vector<std::string>(const std::string &word)>;

  // keeps_file: the history is read from ~/.assay_history and remember() adds to it; else it lies in memory alone.
  line_editor(bool terminal, completer complete, bool keeps_file = true);
  ~line_editor();
  line_editor(const line_editor &) = delete;
  line_editor &operator=(const line_editor &) = delete;

  // Returns false at the end of the input. An interrupted line is returned empty.
  bool read(const std::string &prompt, std::string &line);
  bool interrupted() const { return interrupted_; }  // true if Ctrl-C ended the last line
  // Adds a statement to the history, on one line.
  void remember(const std::string &statement);

 private:
  struct terminal;                      // libedit's state
  std::unique_ptr<terminal> terminal_;  // null if the lines come from a pipe
  bool interrupted_ = false;
};

}  // namespace assay::lua
