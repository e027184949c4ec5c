// The interactive prompt: reads a line, runs it, prints its results. As in Lua's own prompt, a line is
// tried as an expression (`return LINE`) first, then as a statement, and a statement that is not
// complete continues on the next line.
#include "lua/repl.hpp"

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <iostream>

#include "core/cancel.hpp"
#include "core/error.hpp"
#include "core/file.hpp"
#include "lua/line_editor.hpp"
#include "lua/lx.hpp"
#include "lua/state.hpp"

namespace assay::lua {
namespace {

void print_problem(const caught &what) {
  std::fprintf(stderr, "%s\n", what.problem.what());
}

// Returns whether a syntax error says that the statement is not complete: its message ends in <eof>.
bool incomplete(const caught &what) {
  const std::string &text = what.problem.message();
  constexpr std::string_view k_mark = "<eof>";
  return text.size() >= k_mark.size() &&
         text.compare(text.size() - k_mark.size(), k_mark.size(), k_mark) == 0;
}

class prompt {
 public:
  explicit prompt(settings given) : terminal_(::isatty(0)), lua_(std::move(given)) {
    lua_State *L = lua_.get();
    lua_.push_library();
    lua_pushvalue(L, -1);
    lua_setglobal(L, "assay");
    for (const char *name : {"help", "print"}) {
      lua_getfield(L, -1, name);
      lua_setglobal(L, name);
    }
    lua_pop(L, 1);
  }

  int run(const std::vector<std::string> &scripts) {
    for (const std::string &path : scripts) {
      auto problem = lua_.load_file(path);
      if (!problem) problem = lua_.call(0, 0);
      if (problem) throw problem->problem;
    }
    if (terminal_) std::puts("assay: Lua prompt. help() explains, Ctrl-D leaves.");
    line_editor editor(terminal_, [this](const std::string &word) { return complete(word); });
    std::string line;
    while (editor.read(text_of_prompt("_PROMPT", "> "), line)) {
      if (cancel_requested()) lua_.resume_after_interrupt();
      if (!line.empty()) statement(editor, line);
    }
    return failed_ && !terminal_ ? 1 : 0;
  }

 private:
  // Returns the prompt: the text of the global variable, _PROMPT or _PROMPT2, if the user has set it.
  std::string text_of_prompt(const char *global, const char *otherwise) {
    lua_State *L = lua_.get();
    lua_pushglobaltable(L);
    lua_pushstring(L, global);
    lua_rawget(L, -2);
    std::string text = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : otherwise;
    lua_pop(L, 2);
    return text;
  }

  // Returns the names that begin with `word`, from the manual of the Lua library.
  std::vector<std::string> complete(const std::string &word) {
    lua_State *L = lua_.get();
    const int top = lua_gettop(L);
    std::vector<std::string> words;
    lua_getglobal(L, "require");
    lua_pushstring(L, "assay.lib.manual");
    if (!lua_.call(1, 1) && lua_getfield(L, -1, "complete") == LUA_TFUNCTION) {
      push_string(L, word);
      if (!lua_.call(1, 1)) words = read_strings(L, -1, "words");
    }
    lua_settop(L, top);
    return words;
  }

  // Compiles `text`, reads more lines if the statement is not complete, and leaves the function on the
  // stack. Returns false if there is nothing to run: the error was printed, or Ctrl-C pressed.
  bool compile(line_editor &editor, std::string &text) {
    if (!lua_.load("return " + text, "=prompt")) return true;
    for (;;) {
      const auto problem = lua_.load(text, "=prompt");
      if (!problem) return true;
      std::string more;
      const bool goes_on =
          incomplete(*problem) && editor.read(text_of_prompt("_PROMPT2", ">> "), more);
      if (goes_on && editor.interrupted()) return false;
      if (!goes_on) {
        failed_ = true;
        print_problem(*problem);
        return false;
      }
      text += "\n" + more;
    }
  }

  // Runs one statement and prints its results or its error. `:help NAME` stands for help('NAME').
  void statement(line_editor &editor, std::string text) {
    if (text.rfind(":help", 0) == 0) {
      const size_t word = text.find_first_not_of(' ', 5);
      text = "help(" + (word == std::string::npos ? "" : "'" + text.substr(word) + "'") + ")";
    }
    warn_about_local(text);
    if (!compile(editor, text)) return;
    editor.remember(text);
    lua_State *L = lua_.get();
    const int base = lua_gettop(L) - 1;
    auto problem = lua_.call(0, LUA_MULTRET);
    if (!problem) problem = show(base);
    lua_settop(L, base);
    if (cancel_requested()) lua_.resume_after_interrupt();
    if (!problem) return;
    failed_ = true;
    print_problem(*problem);
  }

  // Prints the results, which lie on the stack above `base`. The global variable _ gets the first.
  std::optional<caught> show(int base) {
    lua_State *L = lua_.get();
    const int n = lua_gettop(L) - base;
    if (n == 0) return std::nullopt;
    lua_pushvalue(L, base + 1);
    lua_setglobal(L, "_");
    lua_getglobal(L, "print");
    lua_insert(L, base + 1);
    return lua_.call(n, 0);
  }

  void warn_about_local(const std::string &text) {
    if (!terminal_ || warned_ || text.rfind("local ", 0) != 0) return;
    warned_ = true;
    std::puts("(a local lives for one line only; leave 'local' out at the prompt)");
  }

  bool terminal_, warned_ = false, failed_ = false;
  state lua_;
};

}  // namespace

int run_prompt(settings given, const std::vector<std::string> &scripts) {
  given.strict_globals = false;
  return prompt(std::move(given)).run(scripts);
}

}  // namespace assay::lua
