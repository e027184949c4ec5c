// Lines from a terminal with editing, history and completion, or from a pipe as they are.
// Not readline: that one's licence is not ours, and a prompt needs little.
#pragma once

#include <functional>
#include <string>
#include <vector>

namespace assay::lua {

class line_editor {
 public:
  // Words that may follow `word`, whole; empty = nothing known.
  using completer = std::function<std::vector<std::string>(const std::string &word)>;

  line_editor(bool terminal, completer complete);
  // False at the end of input. An interrupted line comes back empty.
  bool read(const std::string &prompt, std::string &line);
  bool interrupted() const { return interrupted_; }  // the last line ended in Ctrl-C
  void remember(const std::string &statement);       // for the arrow keys and ~/.assay_history

 private:
  bool read_plain(std::string &line);
  bool edit(const std::string &prompt, std::string &line);
  void draw(const std::string &prompt, const std::string &line, size_t cursor) const;
  void escape_sequence(std::string &line, size_t &cursor, size_t &place);
  void recall(int step, std::string &line, size_t &cursor, size_t &place);
  void complete_word(std::string &line, size_t &cursor) const;

  bool terminal_, interrupted_ = false;
  completer complete_;
  std::string history_path_;
  std::vector<std::string> history_;
};

}  // namespace assay::lua
